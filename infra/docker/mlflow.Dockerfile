# MLflow's server, for PostgreSQL and an S3-compatible store.
FROM python:3.11-slim-bookworm
COPY constraints.txt /srv/
RUN pip install --no-cache-dir --constraint /srv/constraints.txt mlflow "psycopg[binary]" boto3
COPY infra/docker/healthy.py infra/docker/bucket.py /srv/
USER 10001:10001
ENV HOME=/tmp
WORKDIR /tmp
EXPOSE 5000
CMD ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000", "--workers", "2"]
