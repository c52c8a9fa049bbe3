# One image for workers with a GPU, two uses: worker of Dataflow, and launcher of the
# Flex Template. CUDA comes from pip, the driver from the service
# (install-nvidia-driver), so no base image with CUDA is needed.
# Build it from the root of the repository, see docs/dataflow.md:
#   docker build --file pipelines/deploy/docker/gpu.Dockerfile --tag IMAGE .
FROM apache/beam_python3.11_sdk:2.77.0 AS beam
FROM gcr.io/dataflow-templates-base/python311-template-launcher-base:20230622_RC00 AS launcher

FROM python:3.11.14-slim-bookworm
COPY --from=beam /opt/apache/beam /opt/apache/beam
COPY --from=launcher /opt/google/dataflow/python_template_launcher /opt/google/dataflow/python_template_launcher

WORKDIR /src
COPY pipelines/deploy/docker/gpu-constraints.txt ./
COPY constraints.txt setup.py pyproject.toml README.md ./
COPY fcn_core fcn_core
COPY pipelines pipelines
RUN pip install --no-cache-dir --constraint constraints.txt \
    --constraint gpu-constraints.txt '.[gcp]' 'tensorflow[and-cuda]'
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

# Where the service mounts the driver: libcuda, and nvidia-smi, which names the GPU.
ENV PATH=/usr/local/nvidia/bin:${PATH}
ENV LD_LIBRARY_PATH=/usr/local/nvidia/lib64

# Root on Dataflow: Beam's boot writes below /var/opt/google, which the service mounts as
# root's. Everywhere else `docker run --user fcn --entrypoint fcn` needs no root.
ENTRYPOINT ["/opt/apache/beam/boot"]
