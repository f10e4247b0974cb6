# The server for production. test/packaging runs these commands in folders; .ci/image builds and starts the image.

FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The image has its own Node: the pinned one, a development dependency, is for a clone.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build

FROM node:26-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
WORKDIR /app
# The locked versions of the server's dependencies, without those that only a build needs. npm leaves one package too many,
# which a development tool and a binary for another platform need: the packages that npm ls calls extraneous are removed.
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --cache .npm \
  && npm ls --all --omit=dev --parseable --long --cache .npm | sed -n 's/:.*:EXTRANEOUS$//p' | xargs -r rm -rf \
  && rm -rf .npm
COPY --from=build /app/bin ./bin
COPY --from=build /app/dist ./dist
# The embedded database is here if STORAGE_URL names this folder; the server writes nothing else.
RUN mkdir data && chown node:node data
VOLUME /app/data
USER node
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The command is not npm, because a signal to stop has to reach the server itself.
CMD ["node", "--max-semi-space-size=2", "bin/oidc-provider-mfa.mjs", "serve"]
