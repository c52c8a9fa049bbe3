# One image, two uses: worker of Dataflow, and launcher of the Flex Template.
# Build it from the root of the repository, see docs/dataflow.md:
#   docker build --file pipelines/deploy/docker/cpu.Dockerfile --tag IMAGE .
FROM apache/beam_python3.11_sdk:2.77.0 AS beam
FROM gcr.io/dataflow-templates-base/python311-template-launcher-base:20230622_RC00 AS launcher

FROM python:3.11.14-slim-bookworm
COPY --from=beam /opt/apache/beam /opt/apache/beam
COPY --from=launcher /opt/google/dataflow/python_template_launcher /opt/google/dataflow/python_template_launcher

WORKDIR /src
COPY constraints.txt setup.py pyproject.toml README.md ./
COPY fcn_core fcn_core
COPY pipelines pipelines
RUN pip install --no-cache-dir --constraint constraints.txt '.[gcp]'
RUN pip check
RUN fcn --help

COPY pipelines/deploy/launcher.py /template/launcher.py
WORKDIR /template
RUN useradd --create-home fcn
ENV FLEX_TEMPLATE_PYTHON_PY_FILE=/template/launcher.py

# Nothing is installed when a worker starts, so no second environment is made for it.
ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
# The image's own name in its registry: the template's workers run what launched them.
ARG WORKER_IMAGE=
ENV WORKER_IMAGE=${WORKER_IMAGE}

# Root on Dataflow: Beam's boot writes below /var/opt/google, which the service mounts as
# root's. Everywhere else `docker run --user fcn --entrypoint fcn` needs no root.
ENTRYPOINT ["/opt/apache/beam/boot"]
