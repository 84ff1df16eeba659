# One image, several commands: `docker compose up` starts them all.

FROM node:24-bookworm-slim AS web
WORKDIR /src
COPY client_web/package.json client_web/package-lock.json client_web/.npmrc client_web/
COPY dashboard/web/package.json dashboard/web/package-lock.json dashboard/web/.npmrc dashboard/web/
RUN npm --prefix client_web ci --ignore-scripts && npm --prefix dashboard/web ci --ignore-scripts
COPY client_web client_web
COPY client_cli/src/disio_client/engines client_cli/src/disio_client/engines
COPY dashboard/web dashboard/web
RUN npm --prefix client_web run build && npm --prefix dashboard/web run build

FROM python:3.13-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/disio
ENV PATH=/opt/disio/bin:$PATH
WORKDIR /src
COPY requirements-runtime.lock ./
RUN pip install --require-hashes -r requirements-runtime.lock
COPY . .
COPY --from=web /src/distributor/src/disio_distributor/static distributor/src/disio_distributor/static
COPY --from=web /src/client_cli/src/disio_client/static client_cli/src/disio_client/static
COPY --from=web /src/dashboard/src/disio_dashboard/static dashboard/src/disio_dashboard/static
COPY --from=web /src/dashboard/src/disio_dashboard/tryout_files dashboard/src/disio_dashboard/tryout_files
RUN pip install --no-deps --no-build-isolation ./shared ./manager ./distributor ./dashboard ./client_cli .

FROM python:3.13-slim-bookworm
# Named volumes take over owner and mode of these folders the first time they are mounted.
RUN groupadd --gid 10001 disio \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin disio \
    && install -d -o disio -g disio -m 0700 /data /run/disio-admin /run/disio-join
COPY --from=packages /opt/disio /opt/disio
COPY deploy/health.py /opt/disio/health.py
ENV PATH=/opt/disio/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOME=/data DISIO_DATA_DIR=/data DENO_DIR=/tmp/deno
USER 10001:10001
WORKDIR /data
ENTRYPOINT ["disio"]
CMD ["--help"]
