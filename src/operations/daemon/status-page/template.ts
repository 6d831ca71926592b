/** The body of the status page. `it` is the view of page.ts. */
export const STATUS_TEMPLATE = `
<a class="skip" href="#main">To the content</a>
<header>
  <h1>identifai-sync</h1>
  <div class="state <%= it.state.kind %>" role="status"><b><%= it.state.title %></b><% for (const line of it.state.lines) { %><p><%= line %></p><% } %><% if (it.state.command !== null) { %><p>To find the cause: <code><%= it.state.command %></code></p><% } %></div>
</header>
<main id="main">
<% if (it.problems.length > 0) { %>
  <section aria-labelledby="problems">
    <h2 id="problems">Needs a person</h2>
    <ul class="problems">
<% for (const problem of it.problems) { %>
      <li><p><%= problem.text %></p><% if (problem.details.length > 0) { %><ul><% for (const detail of problem.details) { %><li><%= detail %></li><% } %></ul><% } %><% if (problem.remedy !== null) { %><p><%= problem.remedy.purpose %>: <code><%= problem.remedy.command %></code></p><% } %></li>
<% } %>
    </ul>
  </section>
<% } %>
  <section aria-labelledby="nightly">
    <h2 id="nightly">Nightly runs</h2>
<% if (it.weeks === null) { %><p class="soft"><%= it.unknown %></p><% } else { %>
    <p class="soft">The last five weeks, by the day on which each run started. <% if (!it.hasNightly) { %>There is no nightly run yet. <% } %><% if (it.nextNightly !== null) { %>The next one starts at <%= it.nextNightly %>.<% } %></p>
    <table class="calendar" aria-labelledby="nightly">
      <thead><tr><% for (const weekday of it.weekdays) { %><th scope="col"><%= weekday %></th><% } %></tr></thead>
      <tbody>
<% for (const week of it.weeks) { %>
        <tr>
<% for (const [position, day] of week.entries()) { %>
<% if (day === null) { %>          <td class="none future"></td>
<% } else if (day.run === null) { %>          <td class="none<% if (day.isToday) { %> today<% } %>"><span class="date"><span class="weekday"><%= it.weekdays[position] %> </span><%= day.day %></span><% if (day.isMissed) { %><span>no run</span><% } %></td>
<% } else { %>          <td<% if (day.isToday) { %> class="today"<% } %>><span class="date"><span class="weekday"><%= it.weekdays[position] %> </span><%= day.day %></span><span class="outcome <%= day.run.status %>"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="<%= it.shapes[day.run.status] %>" /></svg><%= it.outcomes[day.run.status] %></span><span><%= it.duration(day.run.seconds) %></span><span><%= it.counted(day.run.requests, 'request') %></span><span><%= it.counted(day.run.changed, 'change') %></span><% if (day.runs > 1) { %><span class="label">last of <%= day.runs %> runs</span><% } %></td>
<% } %>
<% } %>
        </tr>
<% } %>
      </tbody>
    </table>
<% } %>
  </section>
  <section aria-labelledby="queue">
    <h2 id="queue">Queue</h2>
<% if (it.queue === null) { %><p class="soft"><%= it.unknown %></p><% } else if (it.queue.total === 0) { %><p>No identifier is tracked yet. Add identifiers with <code>identifai-sync enqueue</code>.</p><% } else { %>
    <ul class="tiles">
      <li><span class="label">Tracked identifiers</span><b><%= it.count(it.queue.total) %></b></li>
      <li><span class="label">Due now</span><b><%= it.count(it.queue.plan.identifiers) %></b><span><%= it.counted(it.queue.plan.requests, 'request') %></span></li>
      <li><span class="label">Time for these at the quota</span><b><%= it.queue.clearsIn %></b></li>
      <li><span class="label">A refresh of all finished ones</span><b><%= it.queue.refreshTakes %></b><span><%= it.queue.plan.full_refresh.fits ? 'fits within' : 'does not fit within' %> <%= it.counted(it.queue.plan.full_refresh.refresh_hours, 'hour') %></span></li>
    </ul>
    <svg class="bar" viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-label="Shares of the states, which the table has as numbers"><% for (const part of it.queue.bar) { %><rect class="<%= part.state %>" x="<%= part.x %>" y="0" width="<%= part.width %>" height="24" /><% } %></svg>
    <table class="cards lines" aria-labelledby="queue">
      <thead><tr><th scope="col">State</th><th scope="col" class="number">Identifiers</th><th scope="col" class="number">Share</th><th scope="col" class="number">Due for less than an hour</th><th scope="col" class="number">for an hour to a day</th><th scope="col" class="number">for longer</th></tr></thead>
      <tbody>
<% for (const row of it.queue.rows) { %>
        <tr><th scope="row"><span class="key <%= row.state %>"><%= row.state %></span></th><td class="number" data-label="Identifiers"><%= it.count(row.identifiers) %></td><td class="number" data-label="Share"><%= (100 * row.share).toFixed(1) %> %</td><td class="number" data-label="Due for less than an hour"><%= it.count(row.hour) %></td><td class="number" data-label="Due for an hour to a day"><%= it.count(row.day) %></td><td class="number" data-label="Due for longer"><%= it.count(row.longer) %></td></tr>
<% } %>
      </tbody>
    </table>
    <p class="soft">As of <%= it.queue.at %>.</p>
<% } %>
  </section>
  <section aria-labelledby="quota">
    <h2 id="quota">Requests of the last hour</h2>
<% if (it.requests === null) { %><p class="soft"><%= it.unknown %></p><% } else { %>
    <div class="columns">
      <figure>
        <figcaption class="soft" id="quota-text"><%= it.count(it.requests.total) %> of the <%= it.count(it.requests.quota) %> requests that the configured pace allows (<%= (100 * it.requests.share).toFixed(0) %> %).</figcaption>
        <svg viewBox="0 0 <%= it.requests.width %> <%= it.requests.height %>" role="img" aria-labelledby="quota" aria-describedby="quota-text">
          <line x1="<%= it.requests.left %>" x2="<%= it.requests.width %>" y1="<%= it.requests.base %>" y2="<%= it.requests.base %>" />
<% for (const column of it.requests.columns) { %>
          <rect x="<%= column.x %>" y="<%= column.y %>" width="<%= column.width %>" height="<%= column.height %>" />
<% } %>
          <line class="limit" x1="<%= it.requests.left %>" x2="<%= it.requests.width %>" y1="<%= it.requests.limit.y %>" y2="<%= it.requests.limit.y %>" /><text class="limit-label" x="<%= it.requests.left - 6 %>" y="<%= it.requests.limit.y + 4 %>" text-anchor="end"><%= it.requests.limit.label %></text>
          <text x="<%= it.requests.left %>" y="<%= it.requests.height - 6 %>">an hour ago</text><text x="<%= it.requests.width %>" y="<%= it.requests.height - 6 %>" text-anchor="end">now</text>
        </svg>
      </figure>
      <div>
        <p class="soft">The dashed line is the quota for five minutes. A run stores its requests as one number, so the chart spreads them over its duration.</p>
        <details>
          <summary>As a table</summary>
          <table class="narrow" aria-labelledby="quota">
            <thead><tr><th scope="col">Time</th><th scope="col" class="number">Requests</th></tr></thead>
            <tbody><% for (const column of it.requests.columns) { %><tr><th scope="row"><%= column.label %></th><td class="number"><%= it.count(column.value) %></td></tr><% } %></tbody>
          </table>
        </details>
      </div>
    </div>
<% } %>
  </section>
  <section aria-labelledby="forces">
    <h2 id="forces">Last changes of forced labels</h2>
<% if (it.forces === null) { %><p class="soft"><%= it.unknown %></p><% } else if (it.forces.length === 0) { %><p>No change of a forced label was observed yet.</p><% } else { %>
    <table class="cards lines" aria-labelledby="forces">
      <thead><tr><th scope="col">Identifier</th><th scope="col">Forced</th><th scope="col">Machine</th><th scope="col">Not before</th><th scope="col">Not after</th></tr></thead>
      <tbody>
<% for (const force of it.forces) { %>
        <tr><th scope="row"><code><%= force.identifier %></code><% if (force.name !== null) { %><span><bdi><%= force.name %></bdi></span><% } %><% if (force.ref_id !== null) { %><span class="label"><bdi><%= force.ref_id %></bdi></span><% } %></th><td data-label="Forced"><%= force.forced_from === null ? '' : 'from ' + force.forced_from + ' ' %><span class="strong"><%= force.forced_to === null ? 'no longer forced' : 'to ' + force.forced_to %></span></td><td data-label="Machine"><%= force.machine_classification ?? 'no verdict' %></td><td class="when" data-label="Not before"><%= it.second(force.not_before) %></td><td class="when" data-label="Not after"><%= it.second(force.not_after) %></td></tr>
<% } %>
      </tbody>
    </table>
    <p class="soft">The API returns neither the time nor the author. To explain a change: <code>identifai-sync annotate</code>. To report on all of them: <code>identifai-sync report forced</code>.</p>
<% } %>
  </section>
</main>
<footer>
  <p class="soft">Times are in <%= it.timeZone %>, except those with Z, which are in UTC. This page was made at <%= it.madeAt %> by identifai-sync <%= it.version %> on <%= it.host %>. <% if (it.refreshSeconds === undefined) { %>It does not load again by itself. <a href="?">Start this</a><% } else { %>It loads again every <%= it.counted(it.refreshSeconds, 'second') %>. <a href="?refresh=off">Stop this</a><% } %></p>
</footer>
`
