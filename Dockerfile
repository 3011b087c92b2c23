# gopack in a container. Two targets: `worker` (the default) and `direct`, which adds go, git and ssh
# for modules that no proxy has. Builds with BuildKit and with the classic builder alike.
#
# Nothing of the build's surroundings stays in the image: the package index, its credentials and the
# company's certificates (docker/ca/) are seen by the builder stage alone.
ARG PYTHON_IMAGE=python:3.13-slim
ARG GO_IMAGE=golang:1.26-alpine

# Go's own defaults (go.env) come out of Go's own image; gopack names no proxy itself.
FROM ${GO_IMAGE} AS go

FROM ${PYTHON_IMAGE} AS builder
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ARG PIP_DEFAULT_TIMEOUT
COPY docker/ca /tmp/ca
COPY requirements/runtime.txt /tmp/runtime.txt
# Compose passes what is not set as empty, which pip would take for a value.
RUN set -eu; \
    for name in PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_DEFAULT_TIMEOUT; do \
      eval "[ -n \"\${$name:-}\" ]" || unset "$name"; \
    done; \
    find /tmp/ca \( -name '*.pem' -o -name '*.crt' \) -exec cat {} + >/tmp/ca.own; \
    if [ -s /tmp/ca.own ]; then \
      cat /etc/ssl/certs/ca-certificates.crt /tmp/ca.own >/tmp/ca.bundle; \
      export PIP_CERT=/tmp/ca.bundle; \
    fi; \
    python3 -m venv /opt/gopack; \
    /opt/gopack/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check \
      --require-hashes -r /tmp/runtime.txt; \
    /opt/gopack/bin/python -m pip uninstall --quiet --yes pip setuptools
COPY gopack /opt/gopack/src/gopack
RUN /opt/gopack/bin/python -m compileall -q /opt/gopack/src

FROM ${PYTHON_IMAGE} AS worker
COPY --from=builder /opt/gopack /opt/gopack
COPY --from=go /usr/local/go/go.env /opt/gopack/go.env
ENV GOPACK_GOENV=/opt/gopack/go.env \
    PYTHONPATH=/opt/gopack/src \
    PYTHONUNBUFFERED=1
WORKDIR /srv/gopack
# Ctrl-C and `docker stop` end a run the same way: the storage whole, within a second.
STOPSIGNAL SIGINT
# Starts as root only to become the owner of the mounted folder: gopack/cli/container.py.
ENTRYPOINT ["/opt/gopack/bin/python", "-m", "gopack.cli.firstprocess"]
CMD ["fetch"]

FROM worker AS direct
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git openssh-client \
 && rm -rf /var/lib/apt/lists/*
COPY --from=go /usr/local/go /usr/local/go
ENV GOTOOLCHAIN=local \
    PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# What `docker build` without a target gives.
FROM worker
