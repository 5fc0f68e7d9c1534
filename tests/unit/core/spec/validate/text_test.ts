import { errors } from "../config.ts";

errors("checks the version", [
  [{ ociVersion: "1.0.0" }],
  [{ ociVersion: "1.0.2-dev" }],
  [{ ociVersion: "1.9.0-rc.1+build.5" }],
  [{ ociVersion: "1.3" }, '/ociVersion: "1.3" is not a SemVer 2.0.0 version'],
  [{ ociVersion: "01.0.0" }, '/ociVersion: "01.0.0" is not a SemVer 2.0.0 version'],
  [{ ociVersion: "" }, '/ociVersion: "" is not a SemVer 2.0.0 version'],
  [{ ociVersion: "2.0.0" }, '/ociVersion: version "2.0.0" is not supported, only 1.x is'],
]);

errors("refuses null bytes everywhere", [
  [{ "process.args": ["a\0b"] }, "/process/args/0: text contains null byte"],
  [{ "mounts.0.source": "a\0b" }, "/mounts/0/source: mount field contains null byte"],
  [{ annotations: { "a\0": "b" } }, '/annotations: name "a\\u0000" contains null byte'],
]);
