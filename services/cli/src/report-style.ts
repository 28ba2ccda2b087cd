import { html, type Html } from './html.ts';

/** Of a report, on a screen and on paper. Nothing is hidden or folded. */
export const REPORT_STYLE: Html = html`<style>
  body {
    font:
      15px/1.45 system-ui,
      sans-serif;
    color: #111;
    background: #fff;
    max-width: 68rem;
    margin: 2rem auto;
    padding: 0 1rem;
  }
  h1,
  h2,
  h3,
  h4 {
    line-height: 1.2;
  }
  h4 {
    margin: 0.8rem 0 0.3rem;
  }
  section {
    border: 1px solid #999;
    padding: 0 1rem 1rem;
    margin: 1rem 0;
  }
  dl {
    display: grid;
    grid-template-columns: max-content 1fr;
    gap: 0.15rem 1rem;
    margin: 0.5rem 0;
  }
  dt {
    font-weight: 600;
    max-width: 16rem;
    overflow-wrap: anywhere;
  }
  dd {
    margin: 0;
    overflow-wrap: anywhere;
    unicode-bidi: isolate;
  }
  .lines dd,
  blockquote {
    white-space: pre-wrap;
  }
  blockquote {
    margin: 0.2rem 0 0.2rem 1rem;
    border-left: 3px solid #999;
    padding-left: 0.6rem;
    unicode-bidi: isolate;
  }
  pre {
    background: #f2f2f2;
    border: 1px solid #ccc;
    padding: 0.6rem;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  table {
    border-collapse: collapse;
  }
  th,
  td {
    border: 1px solid #999;
    padding: 0.2rem 0.5rem;
    text-align: left;
    vertical-align: top;
  }
  .proof {
    display: inline-block;
    font-weight: 700;
    border: 2px solid;
    padding: 0.1rem 0.5rem;
  }
  .valid {
    color: #0a5c2b;
  }
  .refused,
  .indeterminate {
    color: #a10d0d;
  }
  .logged {
    color: #333;
  }
  .result {
    text-transform: uppercase;
  }
  .claims,
  .notice,
  .warning {
    border: 1px dashed #777;
    padding: 0.3rem 0.6rem;
  }
  .warning {
    border-style: solid;
    font-weight: 600;
  }
  @media print {
    body {
      font-size: 10pt;
      max-width: none;
      margin: 0;
    }
    section {
      break-inside: auto;
    }
    h3,
    .proof {
      break-after: avoid;
    }
  }
</style>`;
