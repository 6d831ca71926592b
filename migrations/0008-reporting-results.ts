import { type Kysely, sql } from 'kysely'
import { createView, dropView } from './with-comments.ts'
import { IDENTIFICATION, SUBMISSION } from './reporting-columns.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Verdicts on files are few among those on clips; all that the views show of them is in the index. Kysely has no word for
  // INCLUDE.
  await sql`
    create index verdicts_file_idx on identifai.verdicts (classification_id, verdict_no)
    include (kind, heuristic, classification, confidence) where clip_no is null and not is_repeated`.execute(
    db,
  )
  await createVerdicts(db)
  await createVerdictModels(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropView(db, 'verdict_models')
  await dropView(db, 'verdicts')
  await sql`drop index identifai.verdicts_file_idx`.execute(db)
}

async function createVerdicts(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'verdicts', {
    about:
      'What the machine says of the whole file under each heuristic, its main verdict included once. To count classifications, use classifications: a file has several of these. Heuristics cover different files and have confidences of their own, so that averages by heuristic do not compare: heuristic_agreement compares them on the same files. Clips are in clips.',
    grain: 'classification and heuristic',
    columns: {
      ...IDENTIFICATION,
      heuristic: { is: 'How the results of the models were combined.', null: 'not told' },
      is_main: { is: "Whether it is the main verdict: by the account's default heuristic." },
      classification: { is: 'The label of the machine under this heuristic.', null: 'none' },
      confidence: { is: 'How sure the machine is of that label, 0 to 1.', null: 'not told' },
      agrees_with_main: {
        is: 'Whether it has the same label as the main verdict.',
        null: 'it is the main verdict, or one of the two has no label',
      },
      agrees_with_force: {
        is: 'Whether it has the label that was forced.',
        null: 'not forced, or it has no label',
      },
      ...SUBMISSION,
    },
    query: `
      select
        v.classification_id, i.identifier, v.heuristic, v.kind = 'main', v.classification, v.confidence,
        case when v.kind <> 'main' then v.classification = r.machine_classification end,
        v.classification = c.force_classification,
        i.media, i.submitted_at, i.source
      from identifai.classifications as c
      left join identifai.identifiers as i on i.id = c.classification_id
      left join identifai.classification_revisions as r
        on r.classification_id = c.classification_id and r.revision_no = c.revision_no
      join identifai.verdicts as v on v.classification_id = c.classification_id
      where v.clip_no is null and not v.is_repeated`,
  })
}

async function createVerdictModels(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'verdict_models', {
    about: 'Which models a verdict was made of, for files and for clips.',
    grain: 'verdict and model that it names',
    columns: {
      ...IDENTIFICATION,
      heuristic: {
        is: 'The heuristic of the verdict.',
        joins: 'verdicts.heuristic, with classification_id, where scope is file',
        null: 'not told',
      },
      scope: { is: 'file or clip: what the verdict judges.' },
      clip_no: {
        is: 'The clip that it judges.',
        joins: 'clips.clip_no, with classification_id',
        null: 'it judges the whole file',
      },
      model_no: {
        is: 'Position of the model in the list of the verdict, from 0. A model that the API names twice is here twice: count(distinct model) counts it once.',
      },
      model: { is: 'Name of the model.', null: 'not told' },
      ...SUBMISSION,
    },
    query: `
      select
        v.classification_id, i.identifier, v.heuristic, case when v.clip_no is null then 'file' else 'clip' end,
        v.clip_no, m.model_no, m.model, i.media, i.submitted_at, i.source
      from identifai.verdict_models as m
      join identifai.verdicts as v on v.classification_id = m.classification_id and v.verdict_no = m.verdict_no
      left join identifai.identifiers as i on i.id = m.classification_id
      where not v.is_repeated`,
  })
}
