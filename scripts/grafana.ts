/** Writes deploy/grafana/identifai-sync.json from scripts/grafana/. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { dashboardJson } from './grafana/dashboard.ts'

writeFileSync(path.resolve(import.meta.dirname, '../deploy/grafana/identifai-sync.json'), dashboardJson())
