"""A pre-fork server: 100 MiB of objects are loaded, then four forked workers answer a client for 3 s."""
import os
import random
import signal
import socket
import time

table = [str(i).zfill(120) for i in range(600_000)]
server = socket.create_server(("127.0.0.1", 0), backlog=64)
workers = []
for _ in range(4):
    workers.append(os.fork())
    if workers[-1] == 0:
        cache = []
        while True:
            client = server.accept()[0]
            at = int(client.recv(64))
            answer = ",".join(table[at : at + 40_000])  # 5 MiB, and the objects' counts are written to
            if len(cache) < 100:
                cache.append(answer[:50_000])
            client.sendall(answer[:1000].encode())
            client.close()
print("ready", flush=True)
time.sleep(0.3)
end = time.monotonic() + 3
while time.monotonic() < end:
    with socket.create_connection(server.getsockname()) as client:
        client.sendall(str(random.randrange(len(table))).encode())
        client.recv(1000)
time.sleep(2)
for worker in workers:
    os.kill(worker, signal.SIGTERM)
os._exit(0)
