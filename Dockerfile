# An image of fetcher: docker build -t fetcher . && docker run --rm fetcher --help
# It has one program, runs as an unprivileged user, and writes only to /data and /tmp.

# For another version of Python: --build-arg PYTHON=3.13.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/fetcher
WORKDIR /src
# Libraries change rarely, so they have a layer of their own.
COPY constraints.txt ./
RUN /opt/fetcher/bin/pip install -c constraints.txt gevent requests pyzmq msgpack msgspec pycurl
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY fetcher ./fetcher
# Bytecode is part of the image: no process may write it later.
RUN /opt/fetcher/bin/pip install -c constraints.txt '.[crawl,web,parquet]' \
    && /opt/fetcher/bin/python -m compileall -q /opt/fetcher/lib

FROM python:${PYTHON}-slim-bookworm
ENV PATH=/opt/fetcher/bin:$PATH PYTHONDONTWRITEBYTECODE=1
RUN groupadd --gid 10001 fetcher \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
       --shell /usr/sbin/nologin fetcher \
    && install -d -o fetcher -g fetcher -m 700 /data
COPY --from=build /opt/fetcher /opt/fetcher
USER 10001:10001
WORKDIR /data
VOLUME /data
# At SIGTERM, each role lets requests in flight finish, and ends in order.
STOPSIGNAL SIGTERM
ENTRYPOINT ["fetcher"]
CMD ["--help"]
