# One image; docker-compose.yml says which command runs in it.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    MINUTERISK_HOME=/var/lib/minuterisk

RUN useradd --create-home --uid 10001 minuterisk \
 && install --directory --owner=minuterisk --group=minuterisk "$MINUTERISK_HOME"

WORKDIR /srv/minuterisk

# Dependencies first: this layer is built again only when a lock file changes.
# WITH=ray adds what docker-compose.cluster.yml needs; its version and hashes stand in the other lock file.
ARG WITH=""
COPY requirements-build.lock requirements.lock requirements-dev.lock ./
RUN pip install --require-hashes -r requirements-build.lock \
 && pip install --require-hashes -r requirements.lock \
 && if [ -n "$WITH" ]; then pip install --require-hashes --constraint requirements-dev.lock $WITH; fi

COPY . .
RUN pip install --no-deps --no-build-isolation --editable .

USER minuterisk
VOLUME ["/var/lib/minuterisk"]

# What "healthy" means depends on the command; the compose file says it.
HEALTHCHECK NONE
CMD ["minuterisk", "run"]
