"""Verifies a bundle of identifai-sync from itself alone: python3 verify_bundle.py q3.bundle.jsonl [head kept elsewhere]
Written after docs/bundle.md, apart from the product. Prints what it finds; exit code 0 when that is nothing, else 6."""
import hashlib, json, sys

STATEMENTS = "db8b9bfc6b75d2f9a47843bf4295a233ccaf2df6cf3e7da4f752ed08d1cfc673"  # SHA-256 of the sentences of report version 1
COVERAGE = "tracked done errored pending missing quarantined retired reanalysing".split()

def sha256(*parts):
    return hashlib.sha256(b"".join(part.encode() if isinstance(part, str) else part for part in parts)).digest()

def root(node, index, count, proof):  # the root that RFC 9162, section 2.1.3, proves a leaf under
    if not 0 <= index < count or (count == 1 and proof): return b""
    if count == 1: return node
    half, *below, sibling = 1 << (count - 1).bit_length() - 1, *proof
    if index < half: return sha256(b"\1", root(node, index, half, below), bytes.fromhex(sibling))
    return sha256(b"\1", bytes.fromhex(sibling), root(node, index - half, count - half, below))

def in_period(item, period):
    start, before, after = period["from"] or "", item["not_before"] or "", item["not_after"]
    if before >= period["to"] or after < start: return "no"
    return "certainly" if before >= start and after < period["to"] else "possibly"

def read(lines, kept):  # the report's data, its last run, and the rows proved under the chain; yields what is wrong
    first = json.loads(next(lines))
    if first["bundle_version"] != 1 or sha256(first["data"]).hex() != first["data_digest"]: yield "the data digest is another"
    head, run, rows = bytes(32), {"chain_position": 0}, {}
    for line in map(json.loads, lines):
        if "run" in line:
            position, run = run["chain_position"] + 1, line["run"]
            head = sha256(head, bytes.fromhex(run["merkle_root"]), run["row"])
            if (run["chain_position"], run["chain_head"]) != (position, head.hex()): yield f"run {position} does not follow"
            kept = None if kept == run["chain_head"] else kept
        else:
            leaf, row = line["leaf"], json.loads(line["leaf"]["row"])
            found = root(sha256(b"\0", leaf["row"]), leaf["leaf_no"], leaf["leaf_count"], leaf["proof"]).hex()
            key = ("note", row["note_id"]) if "note_id" in row else (row["classification_id"], row["revision_no"])
            if (leaf["chain_position"], found) == (run["chain_position"], run["merkle_root"]):
                rows[key] = {**row, "chain_position": run["chain_position"]}
            else: yield f"{key} is not under the root of its run"
    if kept: yield f"head {kept} is not in the chain"
    yield json.loads(first["data"]), {**json.loads(run["row"]), **run}, rows

def head_of(report, run):  # what the head of the report has to be
    coverage, period, as_of = (report["head"][key] for key in ("coverage", "period", "as_of"))
    counts = {key: run[f"{key}_count"] for key in COVERAGE} | {"settled": run["done_count"] + run["errored_count"]}
    times = {key: run.get(key) for key in ("confirmed_since", "unsettled_enqueued_since")}
    complete = run["finished_at"] >= period["to"] and not run["reanalysing_count"] and not run["unsealed_runs"] and all(
        time is None or time >= period["to"] for time in times.values())
    if complete == bool(coverage["gaps"]): raise ValueError("gaps do not follow from the coverage")
    return {"title": "Forced classifications", "media": report["head"]["media"], "period": period,
            "as_of": {key: run.get(key) for key in as_of}, "statements": report["head"]["statements"],
            "coverage": {**counts, **times, "retired_reasons": run.get("retired_reasons", []), "is_complete": complete,
                         "unsealed_runs": run["unsealed_runs"], "gaps": coverage["gaps"]}}

def event_of(listed, rows, period):  # what an event has to be, by the revisions from the former finished one to its own
    numbers = range(listed["revision_no_before"], listed["revision_no"] + 1)
    before, *between, now = (rows[listed["classification_id"], number] for number in numbers)
    if listed["event"] not in now["causes"] or [r["status"] == "new" for r in (before, *between)] != [False] + [True] * len(between):
        raise ValueError("an event is not held against the finished answer before it")
    renamed = {"forced_from": before.get("force_classification"), "forced_to": now.get("force_classification"),
               "not_before": now.get("previous_confirmed_at"), "not_after": now["observed_at"]}
    for key in ("machine_classification", "machine_confidence", "machine_heuristic"):
        renamed |= {f"{key}_before": before.get(key), f"{key}_after": now.get(key)}
    own = {key: listed[key] for key in ("event", "decision", "revision_no_before", "tracked_siblings")}
    is_other = renamed["forced_to"] == "human" or listed["event"] == "forced"
    same = "classification_id revision_no identifier ref_id name source submitted_at file_hash result_url run_id chain_position"
    return {**{key: now.get(key) for key in same.split()}, **renamed, **own, "in_period": in_period(renamed, period),
            "force_origin": "not_c2pa_path" if is_other else "undetermined"}

def verify(lines, kept=None):
    *wrong, (report, run, rows) = read(lines, kept)
    yield from wrong
    period, events = report["head"]["period"], report["events"]
    if report["head"] != head_of(report, run): yield "the head of the report is not what the last run has sealed"
    statements = json.dumps(report["head"]["statements"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if sha256(statements).hex() != STATEMENTS: yield "the sentences are not those of this version"
    order = [(event["not_after"], event["classification_id"], event["revision_no"]) for event in events]
    if order != sorted(set(order)): yield "events are listed twice, or not in the order in which they were seen"
    for event in events:
        if event != event_of(event, rows, period): yield f"event of {event['identifier']} is not as it was sealed"
    for number, decision in enumerate(report["decisions"], 1):
        own = [event for event in events if event["decision"] == number]
        made = {"decision": number, "identifiers": len(own), "in_period": in_period(decision, period),
                "not_before": max(event["not_before"] or "" for event in own) or None, "not_after": min(event["not_after"] for event in own)}
        if decision != {**decision, **made} or any(
                (event["file_hash"], event["forced_to"]) != (decision["file_hash"], decision["forced_to"]) for event in own):
            yield f"decision {number} is not what its events have in common"
        for note in decision["notes"]:
            sealed = {"ticket": None, "reviewer": None, **rows["note", note["note_id"]]}
            about = (decision["file_hash"], decision["forced_to"] or "none")
            if note != {key: sealed[key] for key in note} or (note["file_hash"], note["forced_to"]) != about:
                yield f"note {note['note_id']} is not as it was sealed, or not about its decision"

if __name__ == "__main__":
    findings = []
    with open(sys.argv[1], encoding="utf-8", newline="\n") as file:
        try: findings += verify((line for line in file if line.strip()), *sys.argv[2:3])
        except Exception as error: findings.append(f"malformed, or lacks a proof: {error!r}")
    print("\n".join(findings) or "All is as it was sealed. Hold the head against one that was kept elsewhere.")
    sys.exit(6 if findings else 0)
