# Answers from a bundle: onnxruntime and a tokenizer, and neither torch nor transformers.
FROM python:3.11-slim-bookworm
COPY constraints.txt /srv/
RUN pip install --no-cache-dir --constraint /srv/constraints.txt numpy onnxruntime pydantic tokenizers
COPY components/*.py /srv/components/
COPY components/tasks /srv/components/tasks
COPY components/inference /srv/components/inference
COPY infra/docker/predict.py /srv/
USER 10001:10001
ENV PYTHONPATH=/srv HOME=/tmp PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv
ENTRYPOINT ["python", "/srv/predict.py"]
CMD ["/bundle"]
