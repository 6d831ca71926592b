"""Verifies that the conclusions of a report of identifai-sync follow from its facts: python3 verify_report.py q3.json
Written from docs/bundle.md, independently of the product. Exit code 0, or 6 with findings. For the facts: verify_bundle.py."""
import hashlib, json, re, sys
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

STATEMENTS = "1cea3a6db6a4899535204b160e3ca1bd5ebf2341ec3cca164ed15c544baeb40a"  # SHA-256 of the sentences of report version 1

def text_of(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

def differ(one, other):  # by their text, because 1 == True in Python
    return text_of(one) != text_of(other)

def members(pairs):  # of an object; readers disagree about a key that is there twice
    if len(dict(pairs)) < len(pairs): raise ValueError("a key is there twice")
    return dict(pairs)

def load(text):
    return json.loads(text, object_pairs_hook=members, parse_constant=whole)  # NaN and Infinity are no JSON

def whole(number):
    if type(number) is not int: raise ValueError(f"{number!r} is no whole number")
    return number

def has_only(value, keys):
    if sorted(value) != sorted(keys.split()): raise ValueError(f"it has other keys than {keys}")

def unhex(digest):
    if not re.fullmatch("[0-9a-f]{64}", digest): raise ValueError(f"{digest!r} is no hash")
    return bytes.fromhex(digest)

def written(number):  # as RFC 8785 writes it
    if number == int(number) and abs(number) < 1e21: return str(int(number))
    text = repr(number).replace("e-0", "e-")
    return f"{Decimal(text):f}" if 1e-6 <= abs(number) < 1e21 else text

def canonical(text):  # the RFC 8785 JSON of a JSON text
    value = json.loads(text, parse_float=lambda number: f"\0{written(float(number))}\0")
    for key in ("generated_at", "generated_by", "verified", "personal_values", "data_digest"): value.pop(key, None)
    return text_of(value).replace('"\\u0000', "").replace('\\u0000"', "")

def days_after(time, days):
    return str(date.fromisoformat(time[:10]) + timedelta(days)) + time[10:]

def in_period(item, period):
    start, before, after = period["from"] or "", item["not_before"] or "", item["not_after"]
    if before >= period["to"] or after < start: return "no"
    return "certainly" if before >= start and after < period["to"] else "possibly"

def groups_of(events):  # of one file and label that can have happened at one moment; without a file, of one identifier
    files = {}
    for event in sorted(events, key=lambda e: (e["not_before"] or "", e["not_after"], e["classification_id"], e["revision_no"])):
        groups = files.setdefault((event["file_hash"] or event["classification_id"], event["forced_to"]), [])
        if not groups or (event["not_before"] or "") >= groups[-1]["not_after"]:
            groups.append({**{key: event[key] for key in ("file_hash", "forced_to", "not_after")}, "events": [], "notes": []})
        groups[-1]["events"].append(event)
        groups[-1].update(not_before=event["not_before"], not_after=min(groups[-1]["not_after"], event["not_after"]))
    return {name: groups for name, groups in files.items() if any(e["in_period"] != "no" for g in groups for e in g["events"])}

def decisions_of(report):  # also sets the decision of each event
    period, files, made = report["head"]["period"], groups_of(report["events"]), []
    tracked = {decision["file_hash"]: decision["tracked"] for decision in report["decisions"]}  # counted over identifiers that are not in the report
    notes = {note["note_id"]: note for decision in report["decisions"] for note in decision["notes"]}
    for _, note in sorted(notes.items()):
        first, label = notes.get(note["corrects"], note), None if note["forced_to"] == "none" else note["forced_to"]
        groups = files.get((note["file_hash"], label), []) if note["corrects"] in (None, *notes) else []
        for latest in [group for group in groups if (group["not_before"] or "") <= first["noted_at"]][-1:]: latest["notes"].append(note)
    by_time = lambda g: (*(g[key] or "" for key in ("not_before", "not_after", "file_hash", "forced_to")), g["events"][0]["classification_id"])
    for number, group in enumerate(sorted(sum(files.values(), []), key=by_time), 1):
        events, first = group.pop("events"), next(iter(group["notes"]), None)
        for event in events: event["decision"] = number
        before, is_late = {event["forced_from"] for event in events}, first and first["noted_at"] > days_after(group["not_after"], 7)
        made.append({**group, "decision": number, "in_period": in_period(group, period), "identifiers": len(events),
                     "forced_from": min(before) if len(before) == 1 else None, "forced_from_differs": len(before) > 1,
                     "tracked": tracked[group["file_hash"]] if group["file_hash"] else 1,
                     "explanation": "unexplained" if not first else "explained_late" if is_late else "explained",
                     "explained_by": first and first["note_id"]})
    return made

def tally(events, **names):  # the most frequent first, then by name
    counts = Counter(tuple(event[key] for key in names.values()) for event in events)
    in_order = sorted(counts.items(), key=lambda item: (-item[1], text_of(item[0]).encode("utf-16-be")))
    return [{**dict(zip(names, values)), "events": number} for values, number in in_order]

def by_week(events, decisions, zone):  # by its Monday
    local = lambda time: str(datetime.fromisoformat(time.replace("Z", "+00:00")).astimezone(zone).date())
    days = [[local(item["not_after"]) for item in items] for items in (events, decisions)]
    counts = [Counter(days_after(day, -date.fromisoformat(day).weekday()) for day in some) for some in days]
    weeks = sorted({*counts[0], *counts[1]})[:1]
    while weeks and weeks[-1] < max(counts[0] | counts[1]): weeks.append(days_after(weeks[-1], 7))
    return [{"week": week, "events": counts[0][week], "decisions": counts[1][week]} for week in weeks]

def summary_of(report, all_decisions):
    events, decisions = ([item for item in items if item["in_period"] != "no"] for items in (report["events"], all_decisions))
    pairs = [(event["machine_classification_after"], event["forced_to"], event["machine_confidence_after"]) for event in events]
    against = [confidence or 0 for machine, forced, confidence in pairs if None not in (machine, forced) and machine != forced]
    kinds = (("events", events), ("decisions", decisions))
    return {
        **{key: len(items) for key, items in kinds}, "already_forced": report["summary"]["period"]["already_forced"],
        **{f"{key}_{word}": sum(item["in_period"] == word for item in items) for key, items in kinds for word in ("certainly", "possibly")},
        **{word: sum(d["explanation"] == word for d in decisions) for word in ("explained", "explained_late", "unexplained")},
        "identifiers": len({event["classification_id"] for event in events}),
        "against_machine": len(against), "against_machine_confidence_090": sum(confidence >= 0.9 for confidence in against),
        "machine_to_forced": tally(events, machine="machine_classification_after", forced_to="forced_to"),
        "by_heuristic": tally(events, heuristic="machine_heuristic_after"),
        "by_week": by_week(events, decisions, ZoneInfo(report["head"]["period"]["time_zone"]))}

def share_of(part, total):  # 0 and 1 without a fraction, as JSON has them
    return part // total if total and part in (0, total) else part / total if total else None

GAPS = "period_not_over unobserved unfinished unconfirmed reanalyzing unsealed".split()

def gaps_of(as_of, coverage, to):  # the kinds of gaps that a report must state
    ended, since = as_of["finished_at"], [coverage[f"{key}_since"] or to for key in ("unfinished", "confirmed")]
    are_there = (ended < to, (coverage["observed_since"] or "") >= to, since[0] < to, ended >= to > since[1],
                 coverage["reanalyzing"] > 0, coverage["unsealed_runs"] > 0)
    return [gap for gap, is_there in zip(GAPS, are_there) if is_there]

def kind_of(event):
    return "forced" if event["forced_from"] is None else "unforced" if event["forced_to"] is None else "force_changed"

def conclusions(report):  # yields each conclusion that does not follow
    has_only(report["head"], "title media period as_of coverage statements")
    has_only(report["head"]["period"], "from to time_zone")
    has_only(report["summary"], "now period")
    unproved = [report["summary"]["period"]["already_forced"], *(item["tracked"] for item in report["decisions"])]
    for count in [*unproved, *(item["same_file_identifiers"] for item in report["events"])]:
        if whole(count) < 0: raise ValueError(f"{count} is no count")
    period = report["head"]["period"]
    for time in (period["from"] or period["to"], period["to"], report["head"]["coverage"]["observed_since"] or period["to"]):
        datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ")
    head, events, stated = report["head"], report["events"], [dict(event) for event in report["events"]]
    if differ(report["report_version"], 1): yield "this is another version of the report"
    if head["title"] != "Forced classifications" or hashlib.sha256(text_of(head["statements"]).encode()).hexdigest() != STATEMENTS:
        yield "the sentences are not those of this version"
    gaps = gaps_of(head["as_of"], head["coverage"], head["period"]["to"])
    for gap in head["coverage"]["gaps"]: has_only(gap, "gap statement")
    if differ([gaps, not gaps], [[gap["gap"] for gap in head["coverage"]["gaps"]], head["coverage"]["is_complete"]]):
        yield "the report is not as complete as its head states"
    events.sort(key=lambda event: (event["not_after"], event["classification_id"], event["revision_no"]))
    for event in events:
        event["force_origin"] = "not_c2pa_path" if "human" == event["forced_to"] or "forced" == event["event"] else "undetermined"
        event["in_period"] = in_period(event, head["period"])
        event["event"] = kind_of(event)
    decisions = decisions_of(report)
    now, cells = report["summary"]["now"], report["summary"]["now"]["machine_to_forced"]
    in_order = sorted(cells, key=lambda cell: (-cell["identifiers"], text_of([cell["machine"], cell["forced_to"]]).encode("utf-16-be")))
    forced, total = sum(cell["identifiers"] for cell in cells), now["with_result"]
    if differ([now["forced"], now["forced_share"], cells], [forced, share_of(forced, total), in_order]) or forced > total:
        yield "the figures on labels that are forced now do not follow from each other"
    if differ(events, stated): yield "events are out of order, or have another kind, period, decision or origin"
    if differ(decisions, report["decisions"]): yield "the decisions do not follow from the events and the notes"
    if differ(summary_of(report, decisions), report["summary"]["period"]): yield "the summary does not count the listed events and decisions"

def described(report, digest, personal_values):  # facts for an auditor to compare
    head = report["head"]
    return (f"Period: {head['period']['from'] or 'the beginning'} to {head['period']['to']} (not included), {head['media']}, time zone {head['period']['time_zone']}\n"
            f"As of: {head['as_of']['finished_at']}, the end of run {head['as_of']['run_id']}\n"
            f"Coverage: {'complete' if head['coverage']['is_complete'] else 'NOT COMPLETE, and the report states its gaps'}\n"
            f"Lists: {len(report['events'])} events, {len(report['decisions'])} decisions; the personal values of {len(report['events']) - len(personal_values)} events were redacted\nData digest: {digest}\n"
            f"Chain head at position {head['as_of']['chain_position']}: {head['as_of']['chain_head']}")

def mismatched(events, all_values):  # yields personal values that do not match the commitment of an event, in the order of events
    left = iter(events)
    for values in all_values:
        has_only(values, "classification_id revision_no salt name ref_id result_url source")
        key = {name: values[name] for name in ("classification_id", "revision_no")}
        event = next((event for event in left if not differ(key, {name: event[name] for name in key})), None)
        present = {name: values[name] for name in ("name", "ref_id", "result_url", "source") if values[name] is not None}
        commitment = hashlib.sha256(unhex(values["salt"]) + text_of(present).encode()).hexdigest()
        if not event or event["personal_commitment"] != commitment: yield f"the personal values of {key} were altered, or are out of order"

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"): sys.exit(__doc__)
    try:
        with open(sys.argv[1], encoding="utf-8") as file: text = file.read()
        report = load(text)
        has_only(report, "report_version head summary decisions events generated_at generated_by verified data_digest personal_values")
        is_altered = hashlib.sha256(canonical(text).encode()).hexdigest() != report["data_digest"]
        findings = [*["the data digest is another"] * is_altered, *mismatched(report["events"], report["personal_values"]), *conclusions(report)]
        print(described(report, report["data_digest"], report["personal_values"]))
    except OSError as error: sys.exit(str(error))
    except Exception as error: findings = [f"malformed: {error!r}"]
    print("\n".join(findings) or "The report is as its data digest states, and all conclusions follow from the facts that it lists. A bundle can prove the facts.\n"
          "Compare the data digest with a digest that was kept elsewhere.")
    sys.exit(6 if findings else 0)
