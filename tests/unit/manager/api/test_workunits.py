"""Code by its hash, over REST."""

import hashlib
import io

from tests.unit.manager.served import Served, document

CODE = b"export default p => p // " + b"x" * 3000
NAME = hashlib.sha256(CODE).hexdigest()


async def test_uploaded_code_comes_back_compressed_and_cacheable_and_serves_tasks(manager: Served) -> None:
    answer = await manager.call("PUT", f"/api/workunits/{NAME}", 201, data=CODE)
    assert answer == {"sha256": NAME, "language": "javascript", "bytes": len(CODE)}
    async with manager.http.get(f"{manager.url}/api/workunits/{NAME}") as fetched:
        assert await fetched.read() == CODE
        assert fetched.headers["Content-Encoding"] in ("gzip", "deflate")
        assert "immutable" in fetched.headers["Cache-Control"]
        tag = fetched.headers["ETag"]
    async with manager.http.get(f"{manager.url}/api/workunits/{NAME}", headers={"If-None-Match": tag}) as again:
        assert again.status == 304
    task = await manager.create(workunit={"language": "javascript", "sha256": NAME})
    assert task["workunit"]["bytes"] == len(CODE)
    wrong = document(workunit={"language": "python", "sha256": NAME})
    problem = await manager.call("POST", "/api/tasks", 422, json=wrong)
    assert problem["errors"] == [{"path": "workunit.language", "message": "the uploaded code is javascript"}]


async def test_large_code_is_served_too(manager: Served) -> None:
    code = b"//" + b"x" * (4 << 20)
    name = hashlib.sha256(code).hexdigest()
    await manager.call("PUT", f"/api/workunits/{name}?language=javascript", 201, data=io.BytesIO(code))
    async with manager.http.get(f"{manager.url}/api/workunits/{name}") as fetched:
        assert await fetched.read() == code


async def test_code_that_is_not_what_its_name_says_is_refused(manager: Served) -> None:
    problem = await manager.call("PUT", f"/api/workunits/{'0' * 64}", 422, data=CODE)
    assert NAME in problem["errors"][0]["message"]
    assert (await manager.call("PUT", "/api/workunits/abc", 422, data=CODE))["errors"][0]["path"] == "sha256"
    await manager.call("GET", f"/api/workunits/{NAME}", 404)


async def test_code_with_a_syntax_error_and_oversize_code_are_refused(manager: Served) -> None:
    bad = b"export default ("
    name = hashlib.sha256(bad).hexdigest()
    assert (await manager.call("PUT", f"/api/workunits/{name}", 422, data=bad))["errors"][0]["path"] == "code"
    large = io.BytesIO(bytes((32 << 20) + 1))
    assert (await manager.call("PUT", f"/api/workunits/{name}", 413, data=large))["code"] == "oversize"


async def test_javascript_is_given_minified_to_who_wants_that(manager: Served) -> None:
    code = b"// a unit\nexport default (n) => {\n  return n\n}\n"
    name = hashlib.sha256(code).hexdigest()
    await manager.call("PUT", f"/api/workunits/{name}", 201, data=code)
    url = f"{manager.url}/api/workunits/{name}"
    async with manager.http.get(f"{url}?form=minified") as short, manager.http.get(f"{url}?form=source") as whole:
        assert await short.read() == b"export default(n)=>{return n}" and await whole.read() == code
        tag = short.headers["ETag"]
        assert tag != whole.headers["ETag"] == f'"{name}"'
    async with manager.http.get(f"{url}?form=minified", headers={"If-None-Match": tag}) as again:
        assert again.status == 304
    assert "form" in (await manager.call("GET", f"/api/workunits/{name}?form=tiny", 400))["detail"]
