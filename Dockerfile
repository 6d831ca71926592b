# "Build the image" in docs/operations.md has the commands.

# Stage 1: JavaScript from TypeScript.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Install scripts serve development outside a container only.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY migrations ./migrations
COPY src ./src
RUN npx tsc --project tsconfig.build.json

# Stage 2: the packages that the command needs, as in the lockfile.
FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

# Stage 3: the files that the command needs.
FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="identifai-sync"
LABEL org.opencontainers.image.description="Loads identifAI's audio deepfake classifications into PostgreSQL: batched, lossless, with history."
LABEL org.opencontainers.image.version="0.1.0"
LABEL org.opencontainers.image.licenses="MIT"
# Other containers read health and metrics. The limits of memory are those of the start script `identifai-sync`.
ENV HTTP_HOST=0.0.0.0 MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY docs ./docs
# A number, because Kubernetes cannot check that a name is not root.
USER 1000:1000
EXPOSE 9464
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT || 9464}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1))"]
ENTRYPOINT ["node", "--max-semi-space-size=8", "/app/dist/src/main.js"]
CMD ["schedule"]
