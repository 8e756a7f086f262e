# What runs the stages; the clone itself is mounted at /project.
FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
# Where a build of torch for the machine at hand lies: the plain index has the CUDA build.
ARG PIP_EXTRA_INDEX_URL=
COPY pyproject.toml constraints.txt /srv/build/
COPY infra/install.py /srv/build/infra/
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python /srv/build/infra/install.py --extra postgres --extra s3
ENV PATH=/opt/venv/bin:$PATH
COPY infra/docker/healthy.py /srv/
USER 10001:10001
WORKDIR /project
CMD ["sh", "-c", "prefect work-pool create touchstone --type process --overwrite && prefect deploy --all --no-prompt && exec prefect worker start --type process --pool touchstone --limit 1 --install-policy never --with-healthcheck"]
