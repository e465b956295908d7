"""The report of gpu_acceptance in Markdown: what became of every step, and a table for each section of results."""
import json
import os
from dataclasses import dataclass, field

import ceilings
from acceptance_steps import differs

PASSED, DONE, FAILED, STOPPED, NOT_RUN = "passed", "done", "failed", "stopped", "not run"
NET_OF_PEER = {"shallow": "1,30,1", "wide": "1,256,1", "deep": "1,32x8,1"}


@dataclass
class Result:
    """What became of a step."""

    name: str
    section: str
    status: str
    seconds: float = 0
    note: str = ""
    good: bool = True  # nothing about it lets the whole fail
    rows: list = field(default_factory=list)
    load: dict = None


def table(header, rows):
    return [f"| {' | '.join(header)} |", "|" + "---|" * len(header), *(f"| {' | '.join(row)} |" for row in rows), ""]


def of(rate, whole):
    return f"{rate / whole:.1%} of {whole:.2g}" if whole else "-"


class Report:
    """Written anew after every step, so that a machine that goes away leaves what it had."""

    def __init__(self, folder, headline, facts, card_at):
        """`card_at(clock)`: what the ceilings need; None in a rehearsal, whose rates mean nothing."""
        self.folder, self.headline, self.facts, self.card_at = folder, headline, facts, card_at
        self.results = []
        self.closing = []

    @property
    def good(self):
        return all(result.good for result in self.results)

    def section(self, name):
        return [result for result in self.results if result.section == name]

    def rows(self, name):
        return [row for result in self.section(name) for row in result.rows]

    def card(self, section):
        """At the clock that was seen under its load."""
        if self.card_at is None:
            return None
        loads = [result.load for result in self.section(section) if result.load]
        return self.card_at(loads[0]["clock"] if loads else None)

    def write(self, verdict="It has not come to its end yet."):
        lines = [f"# {self.headline}", "", f"**{verdict}**", "", *(f"- {fact}" for fact in self.facts), ""]
        lines += table(["step", "result", "s", "remarks"],
                       [[r.name, r.status if r.good else f"**{r.status}**", f"{r.seconds:.1f}",
                         (r.note + (f"; {r.load['words']}" if r.load else "")).replace("|", "/").replace("\n", " ")]
                        for r in self.results])
        for title, body in (("Agreement with the CPU", self.agreement()), ("Fig. 1", self.fig1()),
                            ("Proposals per second", self.nets()), ("Replicas", self.scaling()), ("Peers", self.peers()),
                            ("Goals", self.goals())):
            if body:
                lines += [f"## {title}", "", *body]
        lines += [f"- {line}" for line in self.closing]
        self.put("results.md", "\n".join(lines).rstrip() + "\n")
        everything = {r.name: {"status": r.status, "note": r.note, "rows": r.rows, "load": r.load} for r in self.results}
        self.put("rows.json", json.dumps(everything, indent=1) + "\n")

    def put(self, name, text):
        """Whole or not at all."""
        path = self.folder / name
        with open(f"{path}.new", "w", encoding="utf-8") as out:
            out.write(text)
        os.replace(f"{path}.new", path)

    def goal(self, net, rule, replicas):
        return ceilings.goal(net, rule, replicas) if self.card_at else None

    def agreement(self):
        rows = []
        for result in self.section("agreement"):
            which = result.name.split()[0]
            for row in result.rows:
                if "error" in row:
                    rows.append([which, row["net"], row["acceptance"], "", "", f"**{row['error']}**", ""])
                    continue
                mark = "**" if differs(row) else ""
                rows.append([which, row["net"], row["acceptance"], f"{row['proposals']:.3g}",
                             f"{row['accepted'] / max(1, row['proposals']):.1%}",
                             f"{mark}{row['different_replicas']} of {row['replicas']}{mark}",
                             f"{row['statistics_difference']:.1e}"])
        return rows and table(["", "net", "acceptance", "proposals", "accepted", "replicas that differ",
                               "statistics differ by"], rows)

    def fig1(self):
        rows = self.rows("fig1")
        if not rows:
            return []
        row = rows[-1]
        goal = self.goal("1,30,1", "screened", row["replicas"])
        share = ""
        if goal:
            share = f", {of(row['proposals_per_second'], goal)}, the goal (all 10^10 in {ceilings.FIG1_SECONDS} s)"
        return [f"{row['proposals']:.3g} proposals of {row['replicas']} replicas up to t = {row['time']:.3g} in "
                f"{row['seconds']:.3g} s: {row['proposals_per_second']:.3g}/s{share}; {row['by_model']:.3%} by the "
                f"model, {row['replays']} stretches replayed.", ""]

    def nets(self):
        card = self.card("nets")
        rows = []
        for row in self.rows("nets"):
            if "error" in row:
                rows.append([row["net"], row["rule"], "", f"**{row['error']}**", "", "", ""])
                continue
            rate = row["proposals_per_second"]
            rows.append([row["net"], row["rule"], f"{row['replicas']}",
                         f"{rate:.3g} ({row['least']:.3g} .. {row['most']:.3g})",
                         f"{row['decided_in_double']:.2%}", of(rate, ceilings.ceiling(row["net"], row["rule"], card)),
                         of(rate, self.goal(row["net"], row["rule"], row["replicas"]))])
        return rows and table(["net", "rule", "replicas", "proposals/s (of five runs)", "decided in double",
                               "of the ceiling", "of the goal"], rows)

    def scaling(self):
        most = ceilings.ceiling("1,30,1", "float", self.card("scaling"))
        rows = [[f"{row['replicas']}", f"{row['proposals_per_second']:.3g}", of(row["proposals_per_second"], most)]
                for row in self.rows("scaling") if "error" not in row]
        return rows and table(["replicas of 1,30,1, exact", "proposals/s", "of the ceiling"], rows)

    def best_peers(self):
        """The best number of replicas for each, and all that were tried."""
        best = {}
        for row in self.rows("peers"):
            if "error" not in row:
                best.setdefault((row["library"], row["net"], row["dtype"]), []).append(row)
        return {key: (max(rows, key=lambda row: row["proposals_per_second"]), rows) for key, rows in best.items()}

    def langevo(self, net, rule):
        """Its rate; None in a rehearsal, where nets have fewer points than the peers'."""
        if self.card_at is None:
            return None
        found = [row["proposals_per_second"] for row in self.rows("nets")
                 if row.get("net") == net and row.get("rule") == rule and "error" not in row]
        return found[-1] if found else None

    def peers(self):
        rows = []
        for (library, name, dtype), (best, tried) in self.best_peers().items():
            net = NET_OF_PEER[name]
            factors = [self.langevo(net, rule) for rule in ("float", "screened")]
            rows.append([f"{library} {best['version']}", net, dtype, f"{best['proposals_per_second']:.3g}",
                         f"{best['replicas']} (of {', '.join(str(row['replicas']) for row in tried)})",
                         *(f"{rate / best['proposals_per_second']:.3g}" if rate else "-" for rate in factors)])
        return rows and table(["peer", "net", "type", "proposals/s, all points", "at its best number of replicas",
                               "langevo exact is faster by", "screened"], rows)

    def goals(self):
        """On one H100 or H200; empty before anything was measured."""
        measured = {(row["net"], row["rule"], row["replicas"]): row["proposals_per_second"]
                    for row in self.rows("nets") if "error" not in row}
        for row in self.rows("fig1"):
            measured["1,30,1", "screened", row["replicas"]] = row["proposals_per_second"]
        rows = []
        for goal in ceilings.GOALS:
            rates = [rate for (net, rule, replicas), rate in measured.items()
                     if (net, rule) == (goal.net, goal.rule) and goal.replicas in (0, replicas)]
            rows.append([goal.net, goal.rule, f"{goal.replicas or '-'}", f"{goal.rate:.2g}",
                         f"{rates[-1]:.3g}" if rates else "-", goal.why])
        jax = {net: best[0]["proposals_per_second"] for (library, net, dtype), best in self.best_peers().items()
               if (library, dtype) == ("JAX", "float64")}
        for name, rate in jax.items():
            ours = self.langevo(NET_OF_PEER[name], "screened")
            rows.append([NET_OF_PEER[name], "screened", "-", f"{ceilings.OVER_JAX_FLOAT64} x JAX float64",
                         f"{ours / rate:.3g} x" if ours else "-", "on the same card, all points"])
        header = ["net", "rule", "replicas", "goal, per second", "measured", "why it can be had"]
        return measured and self.card_at and table(header, rows)
