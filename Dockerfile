# One image for every program; docker-compose.yml says which one a container runs.
#
# What it stands on is named by digest: `docker buildx imagetools inspect python:3.12-slim-trixie` says the newest.
FROM python:3.12.14-slim-trixie@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea AS packages
COPY requirements-run.lock requirements-s3.lock /tmp/
# `--build-arg S3=yes` where CRM_MEDIA_URL is s3://…
ARG S3=
# --no-deps: the locks are complete.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
        -r /tmp/requirements-run.lock ${S3:+-r /tmp/requirements-s3.lock}

FROM python:3.12.14-slim-trixie@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin crm \
    && install -d -m 700 -o crm -g crm /data /keys /keys/receiver /keys/worker /keys/fold /keys/app
COPY --from=packages /venv /venv
WORKDIR /srv/crm
COPY . .
RUN /venv/bin/python -m compileall -q app mail media operations pipelines providers transform warehouse webhooks worker
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/srv/crm \
    PYTHONUNBUFFERED=1 \
    CRM_DATA_DIR=/data \
    DO_NOT_TRACK=1 \
    DBT_SEND_ANONYMOUS_USAGE_STATS=false \
    RUNTIME__DLTHUB_TELEMETRY=false
# By number: whoever runs it can see that it is not root without asking the image.
USER 10001
VOLUME /data
# The command line; a service of docker-compose.yml names its program instead.
ENTRYPOINT ["python", "-m"]
CMD ["operations", "--help"]
