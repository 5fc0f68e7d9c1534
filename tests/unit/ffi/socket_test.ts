import { assertEquals, assertThrows } from "@std/assert";

import { AF_UNIX, AT_FDCWD, O_CLOEXEC, SOCK_CLOEXEC, SOCK_STREAM } from "../../../ffi/abi.ts";
import { call, SyscallError } from "../../../ffi/call.ts";
import { Fd } from "../../../ffi/fd.ts";
import { allocate, cString } from "../../../ffi/memory.ts";
import { connectStream, passCredentials, receive, send, sendFd, socketPair } from "../../../ffi/socket.ts";

Deno.test("send() and receive() keep messages apart, and tell of the end", () => {
  const [one, other] = socketPair();
  using receiver = other;
  {
    using sender = one;
    send(sender, Uint8Array.of(1, 2, 3));
    send(sender, Uint8Array.of(4));
  }
  assertEquals(receive(receiver, 10), { bytes: Uint8Array.of(1, 2, 3), pid: 0, fd: undefined });
  assertEquals([...receive(receiver, 10).bytes], [4]);
  assertEquals(receive(receiver, 10).bytes.length, 0);
});

Deno.test("receive() takes a reset for the end: the other side ended with something unread", () => {
  const [one, other] = socketPair();
  using socket = one;
  passCredentials(socket);
  {
    using _gone = other;
    send(socket, Uint8Array.of(1));
  }
  assertEquals(receive(socket, 10), { bytes: new Uint8Array(0), pid: 0, fd: undefined });
});

Deno.test("receive() cuts a message that is longer than asked for", () => {
  const [one, other] = socketPair();
  using sender = one;
  using receiver = other;
  send(sender, Uint8Array.of(1, 2, 3));
  assertEquals([...receive(receiver, 2).bytes], [1, 2]);
});

Deno.test("passCredentials() lets messages tell the sender's pid", () => {
  const [one, other] = socketPair();
  using sender = one;
  using receiver = other;
  passCredentials(receiver);
  send(sender, Uint8Array.of(0));
  assertEquals(receive(receiver, 1).pid, Deno.pid);
});

Deno.test("sendFd() sends a descriptor that is close-on-exec at its new place", () => {
  const F_GETFD = 1, FD_CLOEXEC = 1;
  const [one, other] = socketPair();
  using sender = one;
  using receiver = other;
  using file = new Fd(call("openat", AT_FDCWD, "/dev/null", O_CLOEXEC, 0));
  sendFd(sender, Uint8Array.of(7), file.number);
  const { bytes, fd } = receive(receiver, 10);
  using got = fd!;
  assertEquals([...bytes], [7]);
  assertEquals(Deno.readLinkSync(`/proc/self/fd/${got.number}`), "/dev/null");
  assertEquals(call("fcntl", got.number, F_GETFD), FD_CLOEXEC);
});

/** A socket that listens at an address. */
function listen(name: Uint8Array): Fd {
  const socket = new Fd(call("socket", AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const address = allocate(110);
  address[0] = AF_UNIX;
  address.set(name, 2);
  call("bind", socket.number, address, 2 + name.length);
  call("listen", socket.number, 1);
  return socket;
}

Deno.test("connectStream() reaches paths of any length", () => {
  const directory = Deno.makeTempDirSync({ prefix: "runo-test-socket-" });
  const deep = `${directory}/${"d".repeat(100)}/${"e".repeat(100)}`;
  Deno.mkdirSync(deep, { recursive: true });
  try {
    // bound where the path is short, and moved
    using _socket = listen(cString(`${directory}/s`));
    using _near = connectStream(`${directory}/s`);
    Deno.renameSync(`${directory}/s`, `${deep}/s`);
    using _far = connectStream(`${deep}/s`);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("connectStream() takes a path that begins with @ for an abstract name", () => {
  const name = `runo-test-${Deno.pid}`;
  using _socket = listen(cString(`\0${name}`).slice(0, -1));
  using _connection = connectStream(`@${name}`);
});

Deno.test("connectStream() throws where nobody listens", () => {
  const error = assertThrows(() => connectStream("/nonexistent/socket"), SyscallError);
  assertEquals(error.message, "connect: ENOENT");
  assertThrows(() => connectStream("@runo-test-nobody"), SyscallError, "connect: ECONNREFUSED");
});
