select
    classification_id, revision_no, event, decision_key, forced_from, forced_to, not_before, not_after,
    machine_classification_before, machine_confidence_before
from {{ source('identifai', 'force_events') }}
