"""Numbers about results and where those come from, through both clients, against a real manager."""

from pathlib import Path

import pytest

import disio
from disio.sdk.numbers import Extreme, Histogram
from tests.faces import FACES, FaceName, face_of
from tests.unit.disio.commands import compute
from tests.unit.manager.served import serve


@pytest.mark.parametrize("name", FACES)
async def test_a_task_tells_numbers_about_its_results(name: FaceName, tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        made = await served.create(payloads={"range": [0, 4]})
        async with face_of(name, served.url, data_dir=tmp_path) as face:
            task = await face.do(face.client.task, made["id"])
            found = await face.do(task.aggregates)
            assert found == disio.Aggregates(done=0, counted=0, more_fields=False, fields={})
            await compute(served)
            found = await face.do(task.aggregates)
            assert (found.done, found.counted) == (4, 4)
            numbers = found.fields[""]
            assert (numbers.count, numbers.sum, numbers.mean, numbers.max, numbers.max_at) == (4, 14, 3.5, 9, 3)
            assert numbers.top[0] == Extreme(index=3, value=9) and numbers.bottom[0] == Extreme(index=0, value=0)
            assert isinstance(numbers.histogram, Histogram) and sum(numbers.histogram.counts) == 4
            told = await face.do(task.provenance)
            assert (told["counted"], told["document"]) == (4, await face.do(task.document))
            assert [(each["client"], each["results"]) for each in told["clients"]] == [("c1", 4)]
            await face.do(task.edit, aggregates={"fields": ["x"]})
            assert list((await face.do(task.aggregates)).fields) == ["x"]
            await face.do(task.delete)
            with pytest.raises(disio.NotFound):
                await face.do(task.aggregates)
