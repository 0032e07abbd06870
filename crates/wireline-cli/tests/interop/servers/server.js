// The site by Node's http: node server.js HOST PORT, in a folder with `files`.
"use strict";

const fs = require("fs");
const http = require("http");
const path = require("path");
const zlib = require("zlib");

const application = {
  "/app/echo": (request, response) => {
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => response.end(Buffer.concat(pieces)));
  },
  "/app/hinted": (_, response) => {
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
    response.end("hinted\n");
  },
  "/app/limited": (_, response) => response.writeHead(413).end("too much\n"),
  "/app/nothing": (_, response) => response.writeHead(204).end(),
  "/app/stream": (_, response) => {
    for (let piece = 0; piece < 5; piece++) response.write(`piece ${piece}\n`);
    response.end();
  },
  "/app/trailers": (_, response) => {
    response.setHeader("Trailer", "X-Pieces");
    response.write("a piece\n");
    response.addTrailers({ "X-Pieces": "1" });
    response.end();
  },
};

function serveFile(name, request, response) {
  const file = path.join("files", decodeURIComponent(name));
  if (!fs.existsSync(file)) return response.writeHead(404).end("not found\n");
  if (fs.statSync(file).isDirectory()) return response.writeHead(301, { Location: `${name}/` }).end();
  if (!["GET", "HEAD"].includes(request.method)) return response.writeHead(405, { Allow: "GET, HEAD" }).end();
  const modified = fs.statSync(file).mtime.toUTCString();
  if (request.headers["if-modified-since"] === modified) return response.writeHead(304).end();
  const head = { "Last-Modified": modified };
  const content = fs.readFileSync(file);
  if (request.headers["accept-encoding"] !== "gzip") return response.writeHead(200, head).end(content);
  response.writeHead(200, { ...head, "Content-Encoding": "gzip" }).end(zlib.gzipSync(content));
}

function serve(request, response) {
  const { pathname } = new URL(request.url, "http://site");
  (application[pathname] ?? serveFile.bind(null, pathname))(request, response);
}

const server = http.createServer(serve);
// The content that would be too much is not asked for.
server.on("checkContinue", (request, response) => {
  if (request.url !== "/app/limited") response.writeContinue();
  serve(request, response);
});
server.listen(Number(process.argv[3]), process.argv[2]);
