# One image: what Vertex's tasks and Dataflow's workers run, and what runs the pipeline on
# hosts where set-up cannot work.
#
#   docker build --build-arg COMMIT=$(git rev-parse HEAD) --tag millrace .
#   docker run -it --entrypoint python millrace local_runner.py run --set output_root=/tmp
#
# Debian trixie has the glibc 2.39 that the TFX wheels need; bookworm has not. The base is
# named by tag: its digest was not known where this was written.
FROM python:3.11-slim-trixie AS build

RUN python -m venv /opt/venv
WORKDIR /build
COPY bootstrap/install.sh bootstrap/
COPY bootstrap/farmhash bootstrap/farmhash
COPY requirements/build.lock requirements/main.lock requirements/
# TensorFlow's headers are for who compiles kernels; there is no compiler.
RUN bash bootstrap/install.sh /opt/venv \
 && rm -r /opt/venv/lib/python3.11/site-packages/tensorflow/include


FROM python:3.11-slim-trixie

# Keras 3 in every process. Beam's boot would make an environment of its own and not see
# this one.
ENV PATH=/opt/venv/bin:$PATH \
    TF_USE_LEGACY_KERAS=0 \
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1 \
    PYTHONUNBUFFERED=1

RUN useradd --create-home --uid 1000 millrace
COPY --from=build /opt/venv /opt/venv
COPY --from=apache/beam_python3.11_sdk:2.77.0 /opt/apache/beam /opt/apache/beam

WORKDIR /millrace
COPY pyproject.toml setup.py local_runner.py vertex_runner.py ./
COPY requirements requirements
COPY configs configs
COPY models models
COPY transform transform
COPY trainer trainer
COPY pipeline pipeline
# Compiled here, since the user may not write: importing takes a third of the time. Nobody
# may change a file here, but Beam's boot writes one of its own into the folder it starts in.
RUN pip install --no-cache-dir --no-index --no-deps --no-build-isolation --editable . \
 && python -m compileall -q models transform trainer pipeline \
 && chmod 1777 .

# Last: another commit is no reason to build the layers above again.
ARG COMMIT=unknown
ENV MILLRACE_COMMIT=$COMMIT
LABEL org.opencontainers.image.title=millrace \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.revision=$COMMIT

USER millrace
# Vertex starts its own command; a Dataflow worker starts this one.
ENTRYPOINT ["/opt/apache/beam/boot"]
