import { errors } from "../config.ts";

errors("checks hooks", [
  [{ hooks: { poststop: [{ path: "/bin/true", timeout: 1 }] } }],
  [{ hooks: { prestart: [{ path: "bin/true" }] } }, "/hooks/prestart/0/path: must be an absolute path"],
  [
    { hooks: { startContainer: [{ path: "/a" }, { path: "/b", timeout: 0 }] } },
    "/hooks/startContainer/1/timeout: must be greater than zero",
  ],
]);
