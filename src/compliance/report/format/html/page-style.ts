import { SHARED_STYLE } from '../../../../platform/html/style.ts'

/** Style of a report, which is also for paper in A4. */
export const PAGE_STYLE = `${SHARED_STYLE}
.cards { table-layout: fixed; }
#decision-list th:nth-child(1) { width: 7%; } #decision-list th:nth-child(2) { width: 21%; }
#decision-list th:nth-child(3) { width: 14%; } #decision-list th:nth-child(4) { width: 24%; }
#decision-list th:nth-child(5) { width: 10%; }
#event-list th:nth-child(1) { width: 23%; } #event-list th:nth-child(2) { width: 19%; }
#event-list th:nth-child(3) { width: 13%; } #event-list th:nth-child(4) { width: 14%; }
#event-list th:nth-child(5) { width: 24%; }
@page { size: A4 landscape; margin: 12mm; }
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --tint: #f6f6f6;
    --accent: #1f5fa8; --good: #19653a; --bad: #a3261f; --good-tint: #fff; --bad-tint: #fff;
  }
  html { font-size: 11px; }
  header, main, footer { max-width: none; padding: 0; }
  h2 { break-after: avoid; margin-top: 1.5rem; }
  tr, figure, .tiles li { break-inside: avoid; }
  thead { display: table-header-group; }
  .charts { grid-template-columns: repeat(3, 1fr); }
  details, .skip { display: none; }
  a { color: inherit; text-decoration: none; }
  tbody a[href^="http"]::after { content: ": " attr(href); font-size: .82rem; }
}
`
