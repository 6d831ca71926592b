with events as (
    select
        decision_key,
        count(*) filter (where forced_to <> machine_classification_before) as against_machine,
        max(machine_confidence_before) filter (where forced_to <> machine_classification_before)
            as highest_confidence_against
    from {{ ref('stg_identifai__force_events') }}
    where decision_key is not null
    group by decision_key
)

select
    decisions.*,
    coalesce(events.against_machine, 0) as identifiers_against_machine,
    events.highest_confidence_against,
    (extract(epoch from decisions.noted_at - decisions.not_after) / 86400)::double precision as days_to_explanation
from {{ ref('stg_identifai__force_decisions') }} as decisions
left join events using (decision_key)
