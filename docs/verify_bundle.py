"""Verifies a bundle of identifai-sync from itself alone: python3 verify_bundle.py q3.bundle.jsonl [head kept elsewhere]
Written after docs/bundle.md, apart from the product. Prints what it finds; exit code 0 when that is nothing, else 6."""
import hashlib, json, sys
from datetime import datetime, timedelta
MACHINE = ("machine_classification", "machine_confidence", "machine_heuristic")
COVERAGE = ("tracked settled done errored pending missing quarantined retired retired_reasons confirmed_since "
            "unsettled_enqueued_since unsealed_runs").split()
class Fraction(str): """A number that is not whole, as it stands in the file: bundles write numbers as RFC 8785 does."""

def canonical(value):  # RFC 8785
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(canonical(key) + ":" + canonical(value[key]) for key in keys) + "}"
    if isinstance(value, list): return "[" + ",".join(map(canonical, value)) + "]"
    return str(value) if isinstance(value, Fraction) else json.dumps(value, ensure_ascii=False)
def sha256(*parts): return hashlib.sha256(b"".join(part.encode() if isinstance(part, str) else part for part in parts)).digest()

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

def explanation(notes, not_after):
    if not notes: return "unexplained"
    in_time = datetime.fromisoformat(not_after[:26]) + timedelta(days=7)
    return "explained" if datetime.fromisoformat(notes[0]["noted_at"][:26]) <= in_time else "explained_late"

def differ(said, expected, keys=None):
    return any(said[key] != expected.get(key) for key in keys or expected)

def verify(lines, kept=None):
    report, run, leaves, head, position = next(lines)["report"], {}, {}, bytes(32), 0
    data = {key: report[key] for key in report if key not in ("generated_at", "generated_by", "data_digest")}
    if sha256(canonical(data)).hex() != report["data_digest"]: yield "the data digest is another"
    for line in lines:
        if "run" in line:
            run, position = line["run"], position + 1
            follows = sha256(head, bytes.fromhex(run["merkle_root"]), canonical(run["row"])).hex()
            if differ(run, {"chain_position": position, "chain_head": follows}): yield f"run {position} does not follow"
            head, kept = bytes.fromhex(run["chain_head"]), None if kept == run["chain_head"] else kept
        else:
            leaf, row = line["leaf"], line["leaf"].get("revision") or line["leaf"]["note"]
            found = root(sha256(b"\0", canonical(row)), leaf["leaf_no"], leaf["leaf_count"], leaf["proof"]).hex()
            key = ("note", row["note_id"]) if "note" in leaf else (row["classification_id"], row["revision_no"])
            if (leaf["chain_position"], found) == (position, run["merkle_root"]): leaves[key] = {**row, "chain_position": position}
            else: yield f"{key} is not under the root of its run"
    row, coverage, period, as_of = run["row"], *(report["head"][key] for key in ("coverage", "period", "as_of"))
    sealed = {**row, **{key[:-6]: row[key] for key in row if key.endswith("_count")}, "chain_position": position,
              "chain_head": run["chain_head"], "settled": row["done_count"] + row["errored_count"],
              "retired_reasons": row.get("retired_reasons", [])}
    oldest = min(coverage["confirmed_since"] or "~", coverage["unsettled_enqueued_since"] or "~", as_of["finished_at"])
    if differ(as_of, sealed, as_of) or differ(coverage, sealed, COVERAGE) or differ(
            coverage, {"is_complete": oldest >= period["to"] and coverage["unsealed_runs"] == 0}):
        yield "the head of the report is not what the last run has sealed"
    if kept: yield f"head {kept} is not in the chain"
    events, decisions = report["events"], report["decisions"]
    for event in events:
        numbers = range(event["revision_no_before"], event["revision_no"] + 1)
        before, *between, now = (leaves[event["classification_id"], number] for number in numbers)
        by_c2pa, decision = event["forced_to"] != "human" and event["event"] != "forced", decisions[event["decision"] - 1]
        sealed = {**{key: now.get(key) for key in now if key in event}, "forced_from": before.get("force_classification"),
                  "forced_to": now.get("force_classification"), "not_before": now.get("previous_confirmed_at"),
                  "not_after": now["observed_at"], "in_period": in_period(event, period),
                  "force_origin": "undetermined" if by_c2pa else "not_c2pa_path",
                  **{key: now.get(key) for key in ("ref_id", "name", "source", "submitted_at", "file_hash", "result_url")},
                  **{f"{key}_before": before.get(key) for key in MACHINE}, **{f"{key}_after": now.get(key) for key in MACHINE}}
        if differ(event, sealed) or event["event"] not in now["causes"] or before["status"] == "new" or \
                any(revision["status"] != "new" for revision in between): yield f"event of {event['identifier']} is not as it was sealed"
        if differ(event, decision, ("file_hash", "forced_to")) or decision["not_after"] > event["not_after"] or \
                (decision["not_before"] or "") < (event["not_before"] or ""): yield f"event of {event['identifier']} does not belong to its decision"
    for decision in decisions:
        notes, about = decision["notes"], {"file_hash": decision["file_hash"], "forced_to": decision["forced_to"] or "none"}
        for note in notes:
            if differ(note, leaves["note", note["note_id"]], note) or differ(note, about): yield f"note {note} is not as sealed"
        if differ(decision, {"explanation": explanation(notes, decision["not_after"]), "in_period": in_period(decision, period),
                             "explained_by": notes[0]["note_id"] if notes else None}):
            yield f"decision {decision['decision']} does not follow from its interval and its notes"
    against = [e for e in events if e["forced_to"] and e["machine_classification_after"] not in (None, e["forced_to"])]
    listed = {"events": events, "decisions": [d for d in decisions if d["in_period"] != "no"]}
    counts = {"events": len(events), "decisions": len(listed["decisions"]), "against_machine": len(against),
              "identifiers": len({event["classification_id"] for event in events}),
              "against_machine_confidence_090": sum(float(e["machine_confidence_after"] or 0) >= 0.9 for e in against)}
    for word in ("certainly", "possibly"): counts |= {f"{k}_{word}": sum(e["in_period"] == word for e in listed[k]) for k in listed}
    counts |= {w: sum(d["explanation"] == w for d in listed["decisions"]) for w in ("explained", "explained_late", "unexplained")}
    if differ(report["summary"]["period"], counts): yield "the summary is not what the lists amount to"

if __name__ == "__main__":
    findings = []
    with open(sys.argv[1], encoding="utf-8") as file:
        try: findings += verify((json.loads(line, parse_float=Fraction) for line in file), *sys.argv[2:3])
        except (LookupError, TypeError, ValueError, RuntimeError) as error: findings.append(f"malformed, or lacks a proof: {error!r}")
    print("\n".join(findings) or "All is as it was sealed. Hold the head against one that was kept elsewhere.")
    sys.exit(6 if findings else 0)
