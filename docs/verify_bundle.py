"""Verifies a bundle of identifai-sync from itself alone: python3 verify_bundle.py q3.bundle.jsonl [chain head kept elsewhere]
Written from docs/bundle.md, independently of the product. Prints its findings; exit code 0 when there are none, else 6."""
import base64, hashlib, re, sys
from datetime import datetime, timedelta
from verify_report import (canonical, conclusions, described, differ, has_only, kind_of, load, mismatched, share_of, text_of,
                           unhex, whole)  # must be beside this file

COVERAGE = "tracked done errored pending missing quarantined retired reanalyzing".split()
REVISION = "classification_id revision_no identifier personal_commitment submitted_at file_hash run_id chain_position".split()
EVENT = "revision_no_before decision in_period force_origin same_file_identifiers".split()  # the report's own conclusions on an event
NOTE = "note_id noted_at file_hash forced_to author reason ticket reviewer corrects".split()
MACHINE = "machine_classification machine_confidence machine_heuristic".split()

def sha256(*parts):
    return hashlib.sha256(b"".join(part.encode() if isinstance(part, str) else part for part in parts)).digest()

def root(node, index, count, proof):  # the root that RFC 9162, section 2.1.3, proves a leaf under
    if not 0 <= index < count or (count == 1 and proof): return b""
    if count == 1: return node
    half, *below, sibling = 1 << (count - 1).bit_length() - 1, *proof
    if index < half: return sha256(b"\1", root(node, index, half, below), unhex(sibling))
    return sha256(b"\1", unhex(sibling), root(node, index - half, count - half, below))

def roots(count, total, proof, kept, is_whole=True):  # of the first leaves and of all, as RFC 9162, section 2.1.4, proves them
    if count == total: return (kept, kept) if is_whole and not proof else 2 * tuple(map(unhex, proof[0:1 - is_whole]))
    half, *below, sibling = 1 << (total - 1).bit_length() - 1, *proof
    if count <= half:
        first, all_of_them = roots(count, half, below, kept, is_whole)
        return first, sha256(b"\1", all_of_them, unhex(sibling))
    first, all_of_them = roots(count - half, total - half, below, kept, False)
    return sha256(b"\1", unhex(sibling), first), sha256(b"\1", unhex(sibling), all_of_them)

def hours(later, earlier):  # between two times; 0 where one of them is absent
    at = [time and datetime.fromisoformat(time.replace("Z", "+00:00")) for time in (later, earlier)]
    return (at[0] - at[1]) / timedelta(hours=1) if all(at) else 0

def is_outside(row, run, former):  # a revision is written during its run (except in a replay), a note after the run before
    since = former.get("finished_at") if "note_id" in row else run.get("started_at") if run["requests"] else None
    time = row.get("noted_at") or row.get("observed_at")
    return hours(since, time) > 1 or hours(time, run["finished_at"]) > 1

def read(lines, given):  # yields findings, then the report's data, facts to print, the run that it describes, and the rows proved under the chain
    first = load(next(lines))
    has_only(first, "bundle_version generated_at generated_by data_digest data personal_values checkpoint")
    if differ(first["bundle_version"], 1) or sha256(first["data"]).hex() != first["data_digest"]: yield "the data digest is another"
    if canonical(first["data"]) != first["data"]: yield "the data is not written as RFC 8785 JSON"
    report = load(first["data"])
    has_only(report, "report_version head summary decisions events")
    yield from mismatched(report["events"], first["personal_values"])
    size, head = whole(report["head"]["as_of"]["chain_position"]), unhex(report["head"]["as_of"]["chain_head"])
    runs, rows, heads, last, last_leaf = {}, {}, [], 0, 0
    for line in map(load, lines):
        (kind, value), = line.items()
        has_only(value, {"run": "chain_position proof row", "leaf": "chain_position leaf_no proof row", "kept": "chain_position chain_head proof"}[kind])
        position = whole(value["chain_position"])
        if kind == "kept":
            kept, other = (position, unhex(value["chain_head"])), (size, head)
            (count, one), (total, all_of_them) = sorted((kept, other))
            if roots(count, total, value["proof"], one) != (one, all_of_them): yield f"head {kept[1].hex()} is of another chain"
            if kept[1].hex() in heads: yield f"head {kept[1].hex()} is there twice"
            heads.append(kept[1].hex())
        elif kind == "run":
            if position <= last or heads: yield f"run {position} is out of order"
            last, last_leaf = position, -1
            row = load(value["row"])
            is_proved = root(sha256(b"\0", value["row"]), position - 1, size, value["proof"]) == head
            if is_proved and whole(row["chain_position"]) == position: runs[position] = row
            else: yield f"run {position} is not under the head"
        else:
            row, run, former = load(value["row"]), runs.get(position, {}), runs.get(position - 1, {})
            if position != last or whole(value["leaf_no"]) <= last_leaf or heads: yield f"leaf {value['leaf_no']} is out of order"
            last_leaf = value["leaf_no"]
            proved = root(sha256(b"\0", value["row"]), last_leaf, run.get("leaf_count", 0), value["proof"]).hex()
            key = ("note", row["note_id"]) if "note_id" in row else (row["classification_id"], row["revision_no"])
            if proved and proved == run.get("merkle_root"):
                rows[key] = {**row, "chain_position": position}
                if is_outside(row, run, former) or "note_id" in row and not former and position > 1: yield f"{key} has a time outside its run"
            else: yield f"{key} is not under the root of its run"
    if given and given not in (head.hex(), *heads): yield f"head {given} has no proof: have the bundle made again with --head"
    stated = "identifai-sync/{}\n{}\n{}\n".format(runs[1]["run_id"], size, base64.b64encode(head).decode())
    if not re.fullmatch(re.escape(stated) + "(\n(— .+\n)+)?", first["checkpoint"]):  # the signature is for other tools
        yield "the checkpoint is another head, or of another chain"
    needed = {1, size, *(row["chain_position"] - before for key, row in rows.items() for before in (0, int(key[0] == "note")))}
    if runs.keys() - needed: yield f"runs {runs.keys() - needed} prove nothing"
    yield report, (first["data_digest"], first["personal_values"]), {**runs[size], "chain_position": size, "chain_head": head.hex()}, rows

def facts_of_head(run):  # the facts of a run that the head of a report must state
    as_of = "run_id finished_at chain_position chain_head notes_through first_http_date last_http_date".split()
    coverage = {**{key: run[f"{key}_count"] for key in COVERAGE}, "finished": run["done_count"] + run["errored_count"],
                **{key: run.get(key) for key in ("confirmed_since", "unfinished_since", "unsealed_runs")},
                "retired_reasons": run.get("retired_reasons", [])}
    return {key: run.get(key) for key in as_of}, coverage

def forced_now(run, media):  # the figures of the report on one medium
    counts = [(labels, labels.pop("identifiers")) for labels in run["forced_now"] if labels.pop("media") == media]
    forced = [{**labels, "identifiers": number} for labels, number in counts if labels["forced_to"] is not None]
    total, number = sum(number for _, number in counts), sum(labels["identifiers"] for labels in forced)
    forced.sort(key=lambda cell: (-cell["identifiers"], text_of([cell["machine"], cell["forced_to"]]).encode("utf-16-be")))
    return {"with_result": total, "forced": number, "forced_share": share_of(number, total), "machine_to_forced": forced}

def facts_of_event(event, rows):  # by the revisions from the finished one before it to its own
    numbers = range(whole(event["revision_no_before"]), whole(event["revision_no"]) + 1)
    before, *between, now = (rows[event["classification_id"], number] for number in numbers)
    if kind_of(event) not in now["causes"] or before["status"] == "new" or any(row["status"] != "new" for row in between):
        raise ValueError("an event is not compared with the finished record before it")
    return {"event": kind_of(event), **{key: now.get(key) for key in REVISION}, "not_before": now.get("previous_confirmed_at"), "not_after": now["observed_at"],
            **{f"{key}_before": before.get(key) for key in MACHINE}, **{f"{key}_after": now.get(key) for key in MACHINE},
            "forced_from": before.get("force_classification"), "forced_to": now.get("force_classification")}

def verify(lines, given=None):
    *findings, (report, facts, run, rows) = read(lines, given)
    print(described(report, *facts))
    yield from findings
    as_of, coverage = facts_of_head(run)
    media, concluded = report["head"]["media"], {key: report["head"]["coverage"][key] for key in ("is_complete", "gaps", "observed_since")}
    if differ([report["head"]["as_of"], report["head"]["coverage"]], [as_of, coverage | concluded]):
        yield "the head of the report is not as the last run sealed it"
    if differ(forced_now(run, media), report["summary"]["now"]): yield "the labels forced now are not as the last run sealed them"
    needed = set()
    for event in report["events"]:
        concluded = {key: event[key] for key in EVENT}
        if differ(event, facts_of_event(event, rows) | concluded): yield f"event of {event['identifier']} is not as it was sealed"
        needed.update((event["classification_id"], number) for number in range(event["revision_no_before"], event["revision_no"] + 1))
    if len({(event["classification_id"], event["revision_no"]) for event in report["events"]}) != len(report["events"]):
        yield "an event is listed twice"
    notes = {("note", note["note_id"]): note for decision in report["decisions"] for note in decision["notes"]}
    for key in {*notes, *(key for key in rows if key[0] == "note")}:
        if differ(notes.get(key), {name: rows[key].get(name) for name in NOTE}): yield f"note {key[1]} is not as it was sealed, or not listed"
    if rows.keys() - needed - notes.keys(): yield f"the report does not need {rows.keys() - needed - notes.keys()}"
    if any(row["media"] != media for row in rows.values()): yield "a row is of another medium"
    yield from conclusions(report)

if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3 or sys.argv[1].startswith("-"): sys.exit(__doc__)
    findings, head = [], sys.argv[2].lower() if sys.argv[2:] else None
    try:
        with open(sys.argv[1], encoding="utf-8", newline="\n") as file:
            for finding in verify((line for line in file if line.strip()), head): findings.append(finding)
    except OSError as error: sys.exit(str(error))
    except Exception as error: findings.append(f"malformed, or lacks a proof: {error!r}")
    print("\n".join(findings) or "Events, notes and the coverage are as they were sealed. Decisions and figures follow from them.\n"
          "A bundle does not prove already_forced, observed_since, and the tracked and same_file_identifiers of each file.\n" +
          ("The given head is of the same chain." if head else "Compare the chain head with a chain head that was kept elsewhere.") +
          "\nMake the report again for the same period and as-of, and compare its data digest. Then nothing was left out.")
    sys.exit(6 if findings else 0)
