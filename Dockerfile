# syntax=docker/dockerfile:1
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY config config
COPY crates crates
# The caches stay behind in the builder, so the binary is taken out in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p gangway \
    && mkdir -p /out/data \
    && cp target/release/gangway /out/gangway

# The libraries that the binary is linked with and the root certificates, and no shell.
FROM gcr.io/distroless/cc-debian12
COPY --from=build /out/gangway /usr/local/bin/gangway
# Where an embedded store or a report goes: mount a volume here.
COPY --from=build --chown=65532:65532 /out/data /var/lib/gangway
# GANGWAY_ENV=production reads config/production.toml in the working directory.
COPY config/production.toml /etc/gangway/config/production.toml
WORKDIR /etc/gangway
# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
# Running work ends first; see worker.grace.
STOPSIGNAL SIGTERM
ENTRYPOINT ["gangway"]
