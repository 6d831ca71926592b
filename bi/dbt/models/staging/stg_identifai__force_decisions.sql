select
    decision_key, media, file_hash, forced_from, forced_to, not_before, not_after, identifiers, explanation, author,
    reason, ticket, reviewer, noted_at
from {{ source('identifai', 'force_decisions') }}
