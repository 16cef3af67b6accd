# The workflow with every package of requirements.lock, and nothing else: docker build -t synthesis . (docs/container.md)
FROM debian:trixie-slim AS base
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/*

FROM base AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv
WORKDIR /opt/synthesis
COPY LICENSE README.md Snakefile pyproject.toml requirements.lock setup.sh ./
COPY workflow workflow
RUN PYTHON=/usr/bin/python3 sh setup.sh

FROM base
COPY --from=build /opt/synthesis /opt/synthesis
# Any user may run it, whose home need not be there: docker run --user "$(id -u):$(id -g)".
RUN useradd --create-home reader && mkdir /review && chown reader: /review
ENV PATH=/opt/synthesis/.venv/bin:$PATH LANG=C.UTF-8 XDG_CACHE_HOME=/tmp/cache MPLCONFIGDIR=/tmp/matplotlib
USER reader
WORKDIR /review
ENTRYPOINT ["synthesis"]
CMD ["--help"]
