# Millrace on glibc 2.41: for hosts where set-up cannot work, and as the image that
# Vertex and Beam workers run.
#
#   docker build -t millrace . && docker run -it millrace make run
FROM python:3.11-slim-trixie

RUN apt-get update \
 && apt-get install -y --no-install-recommends make git \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /millrace
COPY . .
RUN make setup

ENV PATH=/millrace/.venv/bin:$PATH TF_USE_LEGACY_KERAS=0
