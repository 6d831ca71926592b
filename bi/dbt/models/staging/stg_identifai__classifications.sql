select
    classification_id, identifier, media, file_hash, status, errors, api_version, machine_classification, machine_confidence,
    machine_heuristic, force_classification, is_forced, effective_classification, verdict_source, contradicts_machine,
    clip_count, judged_clip_count, artificial_clip_count, artificial_clip_share, model_count, first_observed_at,
    first_done_at, finished_at, verdict_changed_at, state, submitted_at, submitted_day, source, changed_at
from {{ source('identifai', 'classifications') }}
