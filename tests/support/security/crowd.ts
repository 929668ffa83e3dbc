/**
 * A crowd that connects and does not authenticate: `crowd.ts ADDRESS CONNECTIONS HOSTS`.
 *
 * Each of the hosts, of the loopback network, opens as many connections, and sends the beginning of a frame
 * that claims to be large. Prints a line when all are open, and stays until its input ends.
 *
 * @module
 */

import net from "node:net";

const [address, connections, hosts] = Deno.args as [string, string, string];
const [host, port] = address.split(":") as [string, string];
const claim = new Uint8Array(200);
new DataView(claim.buffer).setInt32(0, 524_288);

/** Opens a connection, and resolves when the beginning is sent. */
function open(localAddress: string): Promise<net.Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<net.Socket>();
  const socket = net.connect({ host, port: Number(port), localAddress });
  socket.on("error", reject);
  socket.once("connect", () => socket.write(claim, () => resolve(socket)));
  return promise;
}

const sockets: net.Socket[] = [];
while (sockets.length < Number(connections)) {
  const some = Array.from({ length: 50 }, (_, i) => {
    const number = sockets.length + i;
    return open(`127.0.0.${2 + number % Number(hosts)}`);
  });
  sockets.push(...await Promise.all(some));
}
console.log("open");
for await (const _ of Deno.stdin.readable);
for (const socket of sockets) socket.destroy();
