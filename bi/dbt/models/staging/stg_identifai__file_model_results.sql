select
    classification_id, result_no, model, abstained, human_score, artificial_score, top_label, top_score, elapsed_time,
    changed_at
from {{ source('identifai', 'file_model_results') }}
