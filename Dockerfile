# The dashboard in a container:
#   docker build -t kvmark . && docker run -p 8080:8080 -v kvmark:/data -e KVMARK_PUBLIC_URL=http://localhost:8080 kvmark
FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
RUN cargo build --release --locked --workspace --bins

FROM debian:bookworm-slim
RUN useradd --system --create-home --home-dir /data kvmark
COPY --from=build /build/target/release/kvmark /build/target/release/bench-runner /usr/local/bin/
USER kvmark
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/kvmark"]
CMD ["serve", "--bind", "0.0.0.0:8080", "--database", "/data/kvmark.db"]
