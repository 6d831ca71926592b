/** A chart with its text alternative. `it` is one of `chartsOf`. */
export const CHART_TEMPLATE = `
<figure>
  <figcaption><h3 id="<%= it.id %>-title"><%= it.title %></h3><span class="soft" id="<%= it.id %>-text"><%= it.description %></span></figcaption>
  <svg viewBox="0 0 <%= it.width %> <%= it.height %>" role="img" aria-labelledby="<%= it.id %>-title" aria-describedby="<%= it.id %>-text">
<% for (const line of it.lines) { %>
    <line x1="40" x2="<%= it.width %>" y1="<%= line.at %>" y2="<%= line.at %>" /><text x="34" y="<%= line.at + 4 %>" text-anchor="end"><%= line.label %></text>
<% } %>
<% for (const bar of it.bars) { %>
    <rect x="<%= bar.x %>" y="<%= bar.y %>" width="<%= bar.width %>" height="<%= bar.height %>" />
<% if (it.lines.length === 0) { %>
    <text x="<%= bar.labelAt %>" y="<%= bar.y + 15 %>" text-anchor="end"><%= bar.label.length > 22 ? bar.label.slice(0, 21) + '…' : bar.label %></text><text class="value" x="<%= bar.x + bar.width + 6 %>" y="<%= bar.y + 15 %>"><%= it.count(bar.value) %></text>
<% } else { %>
<% if (bar.value > 0 && it.bars.length <= 30) { %>    <text class="value" x="<%= bar.x + bar.width / 2 %>" y="<%= bar.y - 5 %>" text-anchor="middle"><%= it.count(bar.value) %></text>
<% } %>
<% if (bar.label !== null) { %>    <text x="<%= bar.labelAt %>" y="<%= it.height - 8 %>" text-anchor="middle"><%= bar.label %></text>
<% } %>
<% } %>
<% } %>
  </svg>
  <details>
    <summary>As a table</summary>
    <table class="narrow">
      <caption><%= it.title %></caption>
      <thead><tr><th scope="col"><%= it.unit %></th><th scope="col" class="number">Events</th></tr></thead>
      <tbody>
<% for (const row of it.rows) { %>
        <tr><th scope="row"><%= row.label %></th><td class="number"><%= it.count(row.value) %></td></tr>
<% } %>
      </tbody>
    </table>
  </details>
</figure>
`

/** The decisions. `it` has the report. */
export const DECISIONS_TEMPLATE = `
<table class="cards" id="decision-list" role="table" aria-labelledby="decisions">
  <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Decision</th><th role="columnheader" scope="col">File</th><th role="columnheader" scope="col">Forced</th><th role="columnheader" scope="col">When</th><th role="columnheader" scope="col">Identifiers</th><th role="columnheader" scope="col">Explanation</th></tr></thead>
  <tbody role="rowgroup">
<% for (const decision of it.listed.decisions) { %>
    <tr role="row" id="decision-<%= decision.decision %>">
      <th role="rowheader" scope="row" data-label="Decision"><%= decision.decision %></th>
      <td role="cell" data-label="File"><code><%= decision.file_hash ?? 'not known' %></code></td>
      <td role="cell" data-label="Forced"><span><%= decision.forced_from_differs ? 'from different labels' : decision.forced_from === null ? 'not forced before' : 'from ' + decision.forced_from %></span><span class="strong">to <%= decision.forced_to ?? 'none (no longer forced)' %></span></td>
      <td role="cell" class="when" data-label="When"><span><span class="label">not before</span> <%= it.time(decision.not_before) %></span><span><span class="label">not after</span> <%= it.time(decision.not_after, 'up') %></span><span class="label"><%= it.inPeriod[decision.in_period] %></span></td>
      <td role="cell" data-label="Identifiers"><span><%= it.count(decision.identifiers) %> changed</span><span class="label">of <%= it.count(decision.tracked) %> tracked</span></td>
      <td role="cell" data-label="Explanation"><span class="tag <%= decision.explanation === 'unexplained' ? 'unexplained' : 'explained' %>"><%= decision.explanation.replace('_', ' ') %></span>
<% for (const note of it.currentNotes(decision.notes)) { %>
        <blockquote><%= note.reason %><span class="label"> <%= note.author %>, <%= it.time(note.noted_at) %><% if (note.ticket !== null) { %>, ticket <%= note.ticket %><% } %><% if (note.reviewer !== null) { %>, reviewed by <%= note.reviewer %><% } %> (note <%= note.note_id %><% if (note.corrections > 0) { %>, corrected <%= note.corrections === 1 ? 'once' : it.count(note.corrections) + ' times' %><% } %>)</span></blockquote>
<% } %>
      </td>
    </tr>
<% } %>
  </tbody>
</table>
`

/** The events. `it` has the report. */
export const EVENTS_TEMPLATE = `
<table class="cards" id="event-list" role="table" aria-labelledby="events">
  <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Identifier</th><th role="columnheader" scope="col">File</th><th role="columnheader" scope="col">Forced</th><th role="columnheader" scope="col">Machine verdict</th><th role="columnheader" scope="col">When</th><th role="columnheader" scope="col">Decision</th></tr></thead>
  <tbody role="rowgroup">
<% for (const event of it.listed.events) { const own = it.valuesOf(event) %>
    <tr role="row">
      <th role="rowheader" scope="row" data-label="Identifier"><code><%= event.identifier %></code>
<% if (own === undefined) { %><span class="label">personal values redacted</span><% } %>
<% if (own?.name) { %><span><bdi><%= own.name %></bdi></span><% } %>
<% if (own?.ref_id) { %><span class="label">ref_id <bdi><%= own.ref_id %></bdi></span><% } %>
<% if (own?.source) { %><span class="label">source <bdi><%= own.source %></bdi></span><% } %>
<% if (event.submitted_at !== null) { %><span class="label">submitted <%= it.time(event.submitted_at) %></span><% } %>
<% if (it.isLink(own?.result_url)) { %><a href="<%= own.result_url %>" rel="noopener noreferrer">result</a><% } else if (own?.result_url) { %><span class="label">result <%= own.result_url %></span><% } %></th>
      <td role="cell" data-label="File"><code><%= event.file_hash ?? 'not known' %></code><span class="label"><%= it.count(event.same_file_identifiers) %> other tracked identifier<%= event.same_file_identifiers === 1 ? '' : 's' %></span></td>
      <td role="cell" data-label="Forced"><span><%= event.forced_from === null ? 'not forced before' : 'from ' + event.forced_from %></span><span class="strong">to <%= event.forced_to ?? 'none (no longer forced)' %></span><span class="label">origin <%= event.force_origin %></span></td>
      <td role="cell" data-label="Machine verdict"><span class="strong"><%= it.verdict(event, 'after') %></span>
<% if (it.verdict(event, 'before') !== it.verdict(event, 'after')) { %><span class="label">before: <%= it.verdict(event, 'before') %></span><% } %></td>
      <td role="cell" class="when" data-label="When"><span><span class="label">not before</span> <%= it.time(event.not_before) %></span><span><span class="label">not after</span> <%= it.time(event.not_after, 'up') %></span><span class="label"><%= it.inPeriod[event.in_period] %></span></td>
      <td role="cell" data-label="Decision"><a href="#decision-<%= event.decision %>"><%= event.decision %></a></td>
    </tr>
<% } %>
  </tbody>
</table>
`

/** The page, between its head and its end. `it` has the report, the charts and the functions that format. */
export const PAGE_TEMPLATE = `
<a class="skip" href="#main">To the report</a>
<header>
  <h1><%= it.report.head.title %></h1>
  <p class="period">Period <%= it.periodText(it.report.head.period, 'minutes') %>, <%= it.report.head.media %></p>
  <p class="soft">As of the end of the run at <%= it.minute(it.report.head.as_of.finished_at) %>, chain position <%= it.count(it.report.head.as_of.chain_position) %>.</p>
<% if (it.coverage.is_complete) { %>
  <p class="state complete"><b>Complete.</b> The report has every change before the end of the period. Two kinds of changes are excepted: those of retired identifiers, and those that were undone between two requests.</p>
<% } else { %>
  <div class="state incomplete"><b>Not complete.</b> The report may lack changes before the end of the period:
    <ul><% for (const gap of it.coverage.gaps) { %><li><%= gap.statement %></li><% } %></ul></div>
<% } %>
<% if (it.beginsUnobserved) { %>
  <p class="soft">The first response was received at <%= it.time(it.coverage.observed_since) %>. Changes before then were not observed.</p>
<% } %>
</header>
<main id="main">
  <section aria-labelledby="short">
    <h2 id="short">Summary</h2>
    <ul class="tiles">
      <li><span class="label">Decisions in the period</span><b><%= it.count(it.period.decisions) %></b><span><%= it.count(it.period.decisions_certainly) %> certainly, <%= it.count(it.period.decisions_possibly) %> possibly</span></li>
      <li><span class="label">Events, one for each identifier that changed</span><b><%= it.count(it.period.events) %></b><span>on <%= it.count(it.period.identifiers) %> identifier<%= it.period.identifiers === 1 ? '' : 's' %></span></li>
      <li><span class="label">Decisions without an explanation</span><b><%= it.count(it.period.unexplained) %></b><span><%= it.count(it.period.explained) %> explained, <%= it.count(it.period.explained_late) %> late</span></li>
      <li><span class="label">Events with another label than the machine’s</span><b><%= it.count(it.period.against_machine) %></b><span><%= it.count(it.period.against_machine_confidence_090) %> at a machine confidence of 0.9 or more</span></li>
      <li><span class="label">Forced now (at the as-of)</span><b><%= it.count(it.now.forced) %></b><span>of <%= it.count(it.now.with_result) %> with a result<% if (it.now.forced_share !== null) { %> (<%= (it.now.forced_share * 100).toFixed(1) %> %)<% } %></span></li>
      <li><span class="label">Identifiers that were already forced</span><b><%= it.count(it.period.already_forced) %></b><span>in the first finished record, so these are not events</span></li>
    </ul>
  </section>
  <section aria-labelledby="charts">
    <h2 id="charts">Charts</h2>
    <div class="charts"><% for (const chart of it.charts) { %><%~ include('@chart', { ...chart, count: it.count }) %><% } %></div>
  </section>
  <section aria-labelledby="decisions">
    <h2 id="decisions">Decisions</h2>
<% if (it.listed.decisions.length === 0) { %><p>No forced label changed in the period.</p><% } else { %><p class="soft">One for each file, label and time, with the notes of the organization.</p><%~ include('@decisions', it) %><% } %>
  </section>
  <section aria-labelledby="events">
    <h2 id="events">Events</h2>
<% if (it.listed.events.length === 0) { %><p>No forced label changed in the period.</p><% } else { %><p class="soft">One for each identifier whose forced label changed. Each change happened between “not before” and “not after”. Times are UTC, in seconds: “not after” is rounded up, the others down.</p><%~ include('@events', it) %><% } %>
  </section>
  <section aria-labelledby="coverage">
    <h2 id="coverage">Coverage</h2>
    <dl class="facts">
      <dt>Period</dt><dd><%= it.periodText(it.report.head.period) %><% if (it.report.head.period.time_zone !== 'UTC') { %>. In UTC: <% if (it.report.head.period.from !== null) { %>from <%= it.time(it.report.head.period.from, 'none') %> to <% } else { %>up to <% } %><%= it.time(it.report.head.period.to, 'none') %><% } %></dd>
      <dt>End of the run</dt><dd><%= it.time(it.report.head.as_of.finished_at, 'none') %></dd>
      <dt>Tracked</dt><dd><%= it.count(it.coverage.tracked) %> identifiers: <%= it.count(it.coverage.finished) %> finished (<%= it.count(it.coverage.done) %> done, <%= it.count(it.coverage.errored) %> errored), <%= it.count(it.coverage.pending) %> pending, <%= it.count(it.coverage.missing) %> missing, <%= it.count(it.coverage.quarantined) %> quarantined, <%= it.count(it.coverage.retired) %> retired</dd>
<% for (const { reason, identifiers } of it.coverage.retired_reasons) { %>
      <dt>Retired</dt><dd><%= it.count(identifiers) %>: <%= reason ?? 'for other reasons' %></dd>
<% } %>
      <dt>First response</dt><dd><%= it.time(it.coverage.observed_since) %></dd>
      <dt>Oldest confirmation</dt><dd><%= it.time(it.coverage.confirmed_since) %>: every finished identifier was confirmed then or later</dd>
      <dt>Oldest without a current result</dt><dd><%= it.coverage.unfinished_since === null ? 'none' : 'enqueued or last confirmed ' + it.time(it.coverage.unfinished_since) %></dd>
<% if (it.coverage.reanalyzing > 0) { %>      <dt>Being analyzed again</dt><dd><%= it.count(it.coverage.reanalyzing) %>, and changes of their forced labels are observed when the analysis ends</dd><% } %>
      <dt>Chain head</dt><dd><code><%= it.report.head.as_of.chain_head %></code></dd>
      <dt>Run</dt><dd><code><%= it.report.head.as_of.run_id %></code></dd>
      <dt>Clock of the API during that run</dt><dd><%= it.report.head.as_of.first_http_date === null ? 'no response had a time' : it.time(it.report.head.as_of.first_http_date) + ' to ' + it.time(it.report.head.as_of.last_http_date) %></dd>
    </dl>
  </section>
  <section aria-labelledby="breakdown">
    <h2 id="breakdown">Events by source and heuristic</h2>
    <div class="charts">
<% for (const [title, rows] of [['Source', it.bySource.map((row) => [row.source, row.events])], ['Heuristic of the machine verdict', it.period.by_heuristic.map((row) => [row.heuristic, row.events])]]) { %>
      <table class="narrow"><caption class="skip"><%= title %></caption><thead><tr><th scope="col"><%= title %></th><th scope="col" class="number">Events</th></tr></thead><tbody>
<% for (const [label, events] of rows) { %>        <tr><th scope="row"><bdi><%= label ?? 'not known' %></bdi></th><td class="number"><%= it.count(events) %></td></tr>
<% } %>
      </tbody></table>
<% } %>
    </div>
  </section>
  <section aria-labelledby="reading">
    <h2 id="reading">How to read this report</h2>
    <dl class="reading"><% for (const { topic, statement } of it.report.head.statements) { %><dt><%= topic %></dt><dd><%= statement %></dd><% } %></dl>
  </section>
</main>
<footer>
  <h2>Proof</h2>
  <dl class="facts">
    <dt>Data digest</dt><dd><code><%= it.report.data_digest %></code></dd>
    <dt>Made</dt><dd><%= it.time(it.report.generated_at) %> by <%= it.report.generated_by %></dd>
  </dl>
<% if (it.report.verified === null) { %>
  <p>The history was not verified before the report was made (<code>--verify</code>).</p>
<% } else { %>
  <p>Verified at <%= it.time(it.report.verified.at) %>, before the report was made. Every revision, note and run up to chain position <%= it.count(it.report.verified.chain_position) %> is as it was sealed. The chain head is <code><%= it.report.verified.chain_head %></code>.</p>
<% } %>
  <p class="soft">A report that is made again for the same period and as-of has the same data digest. The JSON format has these data. A bundle proves them (<code>identifai-sync report bundle</code>), and <code>identifai-sync report verify</code> checks both.</p>
</footer>
`
