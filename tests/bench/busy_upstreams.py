"""The upstreams of the busy hour, what goes wrong with them and when, and what they count."""
import asyncio
import gateway

SEED = 7
TOKENS = 32  # of the content; an answer that thinks has half as many more
ANSWERS = ("--seed", str(SEED), "--tokens", str(TOKENS), "--prefix-cache", "0")  # options: all answer alike
UNDER_WAY = 13  # tokens that an open answer has got on average: of 38, which take two thirds of its time
KEEP_ALIVE_MS = 500

# A takes part of the calls and refuses the rest, B has little room, C breaks what it has begun, D is slow. At the
# height of the curve 80 calls a second last 0.45 s each: 36 at once. Without B there is room for 44, without C for 42.
CAPS = {"a": 22, "b": 14, "c": 16, "d": 6}
BACKUP = "d"
FIRST_TOKEN_MS = {"a": 100, "b": 120, "c": 135, "d": 300}
TOKEN_MS = {"a": 8, "b": 8, "c": 8, "d": 12}

ALWAYS = {
    "a": "ratio=0.30+busy",
    "c": "ratio=0.05+eof@random|ratio=0.03+stall@random|ratio=0.02+exhausted|ratio=0.02+empty-content",
}
SILENCE = 15000 // KEEP_ALIVE_MS  # keep-alives, and then the end
B_SILENT, C_DEAD = (25, 40), (55, 70)  # seconds from the beginning of the busy part


class Upstream(gateway.Simulator):
    """One simulator. What it has counted outlives its being killed."""
    def __init__(self, build, name, cap):
        self.counts = {}
        super().__init__(build, name, *ANSWERS, "--first-token-ms", str(FIRST_TOKEN_MS[name]), "--token-ms",
                         str(TOKEN_MS[name]), "--keep-alive-ms", str(KEEP_ALIVE_MS), "--concurrency", str(cap))

    def is_backup(self):
        return self.name == BACKUP

    async def play(self, scenario):
        await self.control("scenario", {"scenario": scenario})

    async def count(self):
        """Adds what it has counted since it was started, or was last forgotten. Its count of tokens lacks those of
        answers that are still open: they are not in vain when it is killed, if another goes on from there."""
        stats = await self.stats()
        stats["tokens"] += UNDER_WAY * stats["open_answers"]
        for name, value in stats.items():
            if isinstance(value, int):
                self.counts[name] = self.counts.get(name, 0) + value

    async def forget(self):
        await self.control("reset", {})
        self.counts = {}

    def calls(self):
        """Without the probes, which are neither refused nor played."""
        return sum(self.counts[name] for name in ("refused", "finished", "aborted_by_client", "open_answers"))


class Upstreams:
    """All of them. calm: nothing goes wrong, and there is room for everybody."""
    def __init__(self, build, calm):
        self.calm, self.all = calm, {}
        for name, cap in CAPS.items():
            self.all[name] = Upstream(build, name, 0 if calm else cap)

    def stop(self):
        for upstream in self.all.values():
            gateway.stop(upstream.process)

    async def forget(self):
        for upstream in self.all.values():
            await upstream.forget()

    async def count(self):
        for upstream in self.all.values():
            await upstream.count()

    def total(self, name):
        return sum(upstream.counts[name] for upstream in self.all.values())

    def calls(self):
        return sum(upstream.calls() for upstream in self.all.values())

    # ---- what goes wrong ----

    async def silence_b(self):
        await asyncio.sleep(B_SILENT[0])
        await self.all["b"].play(f"keepalive-then-close={SILENCE}")
        await asyncio.sleep(B_SILENT[1] - B_SILENT[0])
        await self.all["b"].play("none")

    async def kill_c(self):
        """In a thread, as waiting for a process would halt the clients."""
        c = self.all["c"]
        await asyncio.sleep(C_DEAD[0])
        await c.count()
        await asyncio.to_thread(c.kill)
        await asyncio.sleep(C_DEAD[1] - C_DEAD[0])
        await asyncio.to_thread(c.start)
        await c.play(ALWAYS["c"])

    async def misbehave(self):
        """All of it, from now on."""
        if self.calm:
            return
        for name, scenario in ALWAYS.items():
            await self.all[name].play(scenario)
        await asyncio.gather(self.silence_b(), self.kill_c())
