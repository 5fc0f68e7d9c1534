import { assertEquals, assertThrows } from "@std/assert";
import { addresses, Systemd } from "../../../../../core/cgroup/systemd/connection.ts";
import { changeUnit, startUnit, stopUnit } from "../../../../../core/cgroup/systemd/units.ts";
import { RunoError } from "../../../../../core/error.ts";
import { FakeSystemd, type Script } from "./fake_systemd.ts";

const UNIT = { name: "t-c.scope", slice: "system.slice", container: "c" };
const EXISTS = { error: "org.freedesktop.systemd1.UnitExists" };
const GONE = { error: "org.freedesktop.systemd1.NoSuchUnit" };
const DONE = { job: "done" };

/** Does something with a systemd that answers by the script. @returns the calls it got */
async function withSystemd(script: Script, run: (systemd: Systemd) => void): Promise<string[]> {
  using fake = await FakeSystemd.start(script);
  const env = { get: (name: string) => name === "XDG_RUNTIME_DIR" ? fake.directory : undefined };
  // a user that has no directory of its own below /run/user
  using systemd = new Systemd({ instance: "user", uid: 4_000_000_000, env }, { jobTimeout: 300 });
  run(systemd);
  return await fake.calls();
}

function start(systemd: Systemd): void {
  startUnit(systemd, UNIT, 1, [["MemoryMax", "t", 5n], ["DeviceAllow", "a(ss)", [["/dev/char/1:3", "rwm"]]]]);
}

Deno.test("startUnit() is one call", async () => {
  assertEquals(await withSystemd({ StartTransientUnit: [DONE] }, start), ["StartTransientUnit t-c.scope"]);
});

Deno.test("startUnit() frees the name of a failed unit, once", async () => {
  const calls = await withSystemd({ StartTransientUnit: [EXISTS, DONE], ResetFailedUnit: [{}] }, start);
  assertEquals(calls, [
    "StartTransientUnit t-c.scope",
    "ResetFailedUnit t-c.scope",
    "StartTransientUnit t-c.scope",
  ]);
});

Deno.test("startUnit() does not insist on a name that is in use", async () => {
  const calls = await withSystemd({ StartTransientUnit: [EXISTS], ResetFailedUnit: [GONE] }, (systemd) => {
    const error = assertThrows(() => start(systemd), RunoError);
    assertEquals(error.kind, "exists");
    assertEquals(
      error.message,
      'starting systemd unit "t-c.scope": StartTransientUnit: no (see `systemctl status t-c.scope`)',
    );
  });
  assertEquals(calls.filter((call) => call.startsWith("Start")).length, 2);
});

Deno.test("startUnit() waits a limited time, and names unit, job and seconds", async () => {
  await withSystemd({ StartTransientUnit: [{ job: "" }] }, (systemd) => {
    const error = assertThrows(() => start(systemd), RunoError);
    assertEquals(
      error.message,
      'starting systemd unit "t-c.scope": job 1 for systemd unit "t-c.scope" did not end within 0.3 s ' +
        "(is systemd busy? see `systemctl list-jobs`)",
    );
  });
});

Deno.test("startUnit() tells how the job has failed, and leaves no failed unit", async () => {
  const calls = await withSystemd({ StartTransientUnit: [{ job: "failed" }] }, (systemd) => {
    const error = assertThrows(() => start(systemd), RunoError);
    assertEquals(
      error.message,
      'starting systemd unit "t-c.scope": job 1 for systemd unit "t-c.scope" ended as "failed" ' +
        "(see `journalctl -u t-c.scope`)",
    );
  });
  assertEquals(calls.at(-1), "ResetFailedUnit t-c.scope");
});

Deno.test("stopUnit() takes a unit that is gone for ended, and has its failure forgotten", async () => {
  const calls = await withSystemd({ StopUnit: [GONE], ResetFailedUnit: [GONE] }, (systemd) => stopUnit(systemd, UNIT));
  assertEquals(calls, ["StopUnit t-c.scope", "ResetFailedUnit t-c.scope"]);
});

Deno.test("changeUnit() says what systemd refuses", async () => {
  const refused = { error: "org.freedesktop.DBus.Error.InvalidArgs" };
  await withSystemd({ SetUnitProperties: [refused] }, (systemd) => {
    const error = assertThrows(() => changeUnit(systemd, UNIT, [["MemoryMax", "t", 1n]]), RunoError);
    assertEquals(error.message, 'changing properties of systemd unit "t-c.scope": SetUnitProperties: no');
  });
});

Deno.test("new Systemd() without a socket says how to get one", () => {
  const place = { instance: "user", uid: 4_000_000_000, env: { get: () => undefined } } as const;
  const error = assertThrows(() => new Systemd(place), RunoError);
  assertEquals(
    error.message,
    "found no socket of the systemd of user 4000000000 (start it: sudo loginctl enable-linger 4000000000)",
  );
});

Deno.test("addresses() needs nothing of a session, and takes what there is", () => {
  const env = (values: Record<string, string>) => ({ get: (name: string) => values[name] });
  const tried = (values: Record<string, string>, instance: "system" | "user") =>
    addresses({ instance, uid: 7, env: env(values) }).map(({ address, peer }) => `${address}${peer ? " peer" : ""}`);
  assertEquals(tried({}, "user"), ["unix:path=/run/user/7/bus", "unix:path=/run/user/7/systemd/private peer"]);
  assertEquals(tried({ DBUS_SESSION_BUS_ADDRESS: "unix:path=/s", XDG_RUNTIME_DIR: "/x" }, "user"), [
    "unix:path=/s",
    "unix:path=/x/bus",
    "unix:path=/run/user/7/bus",
    "unix:path=/x/systemd/private peer",
    "unix:path=/run/user/7/systemd/private peer",
  ]);
  assertEquals(tried({}, "system"), [
    "unix:path=/run/dbus/system_bus_socket",
    "unix:path=/run/systemd/private peer",
  ]);
});
