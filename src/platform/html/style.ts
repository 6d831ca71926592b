/** Style of every page: light and dark by the reader's setting, tables as cards on a phone. */
export const SHARED_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1a1d21; --soft: #4d545c; --line: #d5d9de; --tint: #f3f5f7;
  --accent: #1f5fa8; --good: #19653a; --bad: #a3261f; --good-tint: #e6f3eb; --bad-tint: #fbeae9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e6e8eb; --soft: #a9b1ba; --line: #363c43; --tint: #1d2226;
    --accent: #7db4f0; --good: #7fd3a0; --bad: #f2a19b; --good-tint: #16291e; --bad-tint: #33191a;
  }
}
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
body { margin: 0; overflow-wrap: anywhere; background: var(--paper); color: var(--ink); }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
footer { padding-bottom: 3rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0 0 .25rem; }
p { margin: .4rem 0; max-width: 72ch; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem; }
.period { font-size: 1.1rem; }
.soft, dt, caption, .label { color: var(--soft); }
code { font: .82em/1.4 ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace; }
.state { margin: 1rem 0; padding: .75rem 1rem; border-left: 4px solid; border-radius: 4px; max-width: none; }
.state ul { margin: .3rem 0 0; padding-left: 1.2rem; }
.complete { color: var(--good); background: var(--good-tint); border-color: currentColor; }
.incomplete { color: var(--bad); background: var(--bad-tint); border-color: currentColor; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 0; padding: 0; list-style: none; }
.tiles li { background: var(--tint); border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; }
.tiles b { display: block; font-size: 1.7rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles span { display: block; }
.tiles .label { font-size: .85rem; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 0; }
dl.facts dd { margin: 0; min-width: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 2rem 1.5rem; }
figure { margin: 0; min-width: 0; }
figcaption { margin-bottom: .5rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; }
svg .value { fill: var(--ink); }
svg rect { fill: var(--accent); }
svg line { stroke: var(--line); }
details { margin-top: .4rem; font-size: .9rem; }
summary { cursor: pointer; color: var(--accent); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .6rem; border-bottom: 1px solid var(--line); }
thead th { vertical-align: bottom; color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line); }
thead th { overflow-wrap: normal; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.narrow { width: auto; min-width: 16rem; }
td > span, td > code, tbody th > span, tbody th > code { display: block; }
tbody th { font-weight: 400; }
.when { white-space: nowrap; }
td .label, th .label { font-size: .82rem; }
.strong { font-weight: 600; }
.tag { display: inline-block; padding: 0 .45rem; border: 1px solid currentColor; border-radius: 99px; font-size: .8rem; }
.tag.unexplained { color: var(--bad); }
.tag.explained { color: var(--good); }
bdi, blockquote { white-space: pre-line; }
blockquote { margin: .3rem 0 0; padding-left: .6rem; border-left: 2px solid var(--line); }
.reading dt { font-weight: 600; color: var(--ink); margin-top: .9rem; }
.reading dd { margin: 0; max-width: 80ch; }
@media (max-width: 46rem) {
  dl.facts { grid-template-columns: 1fr; }
  dl.facts dt { margin-top: .4rem; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards, .cards tbody, .cards tr, .cards td, .cards th { display: block; }
  .when { white-space: normal; }
  .cards th:nth-child(n) { width: auto !important; }
  .cards tr { border: 1px solid var(--line); border-radius: 6px; margin-bottom: .9rem; padding: .3rem .2rem; }
  .cards td, .cards tbody th { border: 0; padding: .3rem .6rem; text-align: left; }
  .cards [data-label]::before { content: attr(data-label); display: block; color: var(--soft); font-size: .8rem; font-weight: 400; }
}
`
