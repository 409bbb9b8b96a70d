# dsgate as a small image: no shell is needed, nothing is written, nobody is root.
#
#   docker build -t dsgate .
#   docker run --rm --read-only --cap-drop ALL -p 127.0.0.1:8585:8585 -e DEEPSEEK_API_KEY dsgate
#   docker run --rm --read-only --cap-drop ALL -p 127.0.0.1:8585:8585 -v ./dsgate.yaml:/etc/dsgate/dsgate.yaml:ro dsgate

FROM debian:bookworm-slim AS build
WORKDIR /src
# The packages change less often than the code: a layer of their own.
COPY scripts/install-packages.sh scripts/
RUN apt-get update && sh scripts/install-packages.sh build
COPY Makefile ./
COPY tests/tests.mk tests/
COPY include include
COPY conf conf
COPY src src
RUN make -j"$(nproc)" all && strip build/dsgate build/dsgate-sim

FROM debian:bookworm-slim
# libcurl is opened when the first health probe or remote file needs it.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates libcurl4 libevent-core-2.1-7 libhiredis0.14 libsqlite3-0 libssl3 libyaml-0-2 tzdata \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/dsgate /src/build/dsgate-sim /usr/bin/
COPY conf/dsgate.yaml conf/dsgate.reference.yaml /etc/dsgate/
# A library that is missing above shows here, not when the image is used.
RUN dsgate --version && dsgate-sim --version
USER 65532:65532
# The image's dsgate.yaml takes these. The admin port stays inside the container unless DSGATE_ADMIN=0.0.0.0:8586 lets a
# Prometheus of the same network in; never publish it.
ENV DSGATE_LISTEN=0.0.0.0:8585
EXPOSE 8585 8586
STOPSIGNAL SIGTERM
# Both read one file, so that the port which is asked is the one that is served: put a config of your own in its place.
HEALTHCHECK --interval=10s --timeout=5s --start-period=2s CMD ["dsgate", "health", "-c", "/etc/dsgate/dsgate.yaml"]
ENTRYPOINT ["dsgate"]
CMD ["run", "-c", "/etc/dsgate/dsgate.yaml"]
