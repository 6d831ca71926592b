import { SHARED_STYLE } from '../../../platform/html/style.ts'

export const STATUS_STYLE = `${SHARED_STYLE}
:root { --warn: #7a5200; --warn-tint: #fdf3dc; }
@media (prefers-color-scheme: dark) { :root { --warn: #f0c674; --warn-tint: #2e2612; } }
header { padding-top: 1.5rem; }
.state { font-size: 1.25rem; }
.state p { font-size: 1rem; color: var(--ink); }
.attention { color: var(--warn); background: var(--warn-tint); border-color: currentColor; }
.problems { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem; }
.problems > li { border: 1px solid var(--line); border-left: 4px solid var(--warn); border-radius: 4px; padding: .6rem .9rem; }
.problems p { max-width: none; }
.problems ul { margin: .2rem 0; padding-left: 1.2rem; }
.problems code { background: var(--tint); padding: .15rem .4rem; border-radius: 4px; }
.calendar { table-layout: fixed; }
.calendar td { border: 1px solid var(--line); height: 6.2rem; padding: .4rem .5rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
.calendar td.none { color: var(--soft); background: var(--tint); }
.calendar td.today { outline: 2px solid var(--accent); outline-offset: -2px; }
.calendar td > span { display: block; }
.calendar .date { color: var(--soft); font-size: .82rem; }
.calendar .outcome { font-weight: 600; white-space: nowrap; }
.calendar svg { display: inline-block; width: 1rem; height: 1rem; vertical-align: -.15rem; margin-right: .25rem; }
.calendar svg path { fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.succeeded { color: var(--good); } .partial, .interrupted { color: var(--warn); } .failed { color: var(--bad); } .running { color: var(--accent); }
.weekday { display: none; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.5rem 2.5rem; }
.columns > div { min-width: 0; }
.bar { height: 1.5rem; margin: .5rem 0; }
svg .limit { stroke: var(--bad); stroke-dasharray: 5 4; }
svg .limit-label { fill: var(--bad); }
svg .done, .key.done::before { fill: #2f855a; background: #2f855a; } svg .pending, .key.pending::before { fill: #3b82c4; background: #3b82c4; }
svg .errored, .key.errored::before { fill: #8f6fc9; background: #8f6fc9; } svg .missing, .key.missing::before { fill: #c98a1b; background: #c98a1b; }
svg .quarantined, .key.quarantined::before { fill: #c8453c; background: #c8453c; } svg .retired, .key.retired::before { fill: #8a929b; background: #8a929b; }
.key::before { content: ""; display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin-right: .45rem; }
@media (max-width: 46rem) {
  .calendar thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .calendar, .calendar tbody, .calendar tr, .calendar td { display: block; }
  .calendar td { height: auto; margin-bottom: .4rem; border-radius: 4px; }
  .calendar td.none, .calendar td.future { display: none; }
  .calendar td > span { display: inline-block; margin-right: .6rem; }
  .weekday { display: inline; }
  .lines td[data-label] { display: flex; justify-content: space-between; gap: 1rem; padding: .15rem .6rem; }
}
`
