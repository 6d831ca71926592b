{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='classification_id',
        on_schema_change='append_new_columns',
        indexes=[{'columns': ['classification_id'], 'unique': true}, {'columns': ['changed_at']}],
    )
}}

select *
from {{ ref('stg_identifai__classifications') }}
{% if is_incremental() %}
where changed_at > (select coalesce(max(changed_at), '-infinity') from {{ this }})
{% endif %}
