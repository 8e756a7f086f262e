# Prefect's server, for PostgreSQL.
FROM python:3.11-slim-bookworm
COPY constraints.txt /srv/
RUN pip install --no-cache-dir --constraint /srv/constraints.txt prefect fastapi asyncpg
# Prefect unpacks its pages once, beside itself; here, since the user below may not write there.
ENV PREFECT_UI_STATIC_DIRECTORY=/tmp/ui HOME=/tmp
ENV PREFECT_HOME=/prefect
RUN mkdir /prefect && chown 10001:10001 /prefect
COPY infra/docker/healthy.py /srv/
USER 10001:10001
WORKDIR /tmp
EXPOSE 4200
CMD ["prefect", "server", "start", "--host", "0.0.0.0", "--port", "4200"]
