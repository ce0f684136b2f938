/** The look of the page: nothing comes from elsewhere, fonts included. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1d2129; --dim: #5f6875; --back: #f6f7f9; --card: #fff; --line: #dfe3e8; --red: #b3261e;
  --hot: #fdecea; --mark: #f5b7b1; --link: #0b57a4 }
@media (prefers-color-scheme: dark) { :root { --text: #e3e6ea; --dim: #98a2b0; --back: #14171b; --card: #1d2126; --line: #323840;
  --red: #ff8a80; --hot: #3a2226; --mark: #7d343a; --link: #8cc2ff } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif }
header { border-top: 4px solid var(--red); padding: 20px 0 0 }
header, main, footer { max-width: 1080px; margin: 0 auto; padding-left: 20px; padding-right: 20px }
h1, h2 { font-size: 22px; line-height: 1.35; margin: 4px 0 12px; font-weight: 600; overflow-wrap: anywhere }
h2 { font-size: 17px; margin-top: 28px }
h3 { font-size: 14px; margin: 16px 0 6px; color: var(--dim); font-weight: 600 }
.name { color: var(--red) }
.message { white-space: pre-wrap }
.what, .relation, footer, .advice { color: var(--dim) }
.what { margin: 0; font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere }
.relation { font-weight: 400 }
.advice { border-left: 3px solid var(--link); padding-left: 12px }
.changed { background: var(--link); color: var(--card); padding: 8px 12px; border-radius: 6px }
details { background: var(--card); border: 1px solid var(--line); border-radius: 6px; margin: 6px 0; overflow: hidden }
summary { cursor: pointer; padding: 6px 12px; overflow-wrap: anywhere }
summary:focus-visible { outline: 2px solid var(--link); outline-offset: -2px }
details.folded { background: none; border-style: dashed }
.folded > summary, .folded li { color: var(--dim); font-size: 13px }
.folded ul { margin: 0; padding: 0 12px 8px 30px; font-family: ui-monospace, monospace }
.place { color: var(--link); font-family: ui-monospace, monospace; font-size: 13px }
.plain { padding: 6px 12px }
pre { margin: 0; font: 13px/1.55 ui-monospace, monospace; overflow-x: auto; tab-size: 4 }
.code { border-top: 1px solid var(--line); padding: 6px 0 }
.code span { display: block; padding-right: 12px; width: max-content; min-width: 100% }
.code i { display: inline-block; width: 56px; padding-right: 14px; text-align: right; color: var(--dim); font-style: normal; user-select: none }
.code .at { background: var(--hot); font-weight: 600 }
.code mark { background: var(--mark); color: inherit; border-radius: 2px }
table { border-collapse: collapse; width: 100%; font: 13px/1.5 ui-monospace, monospace }
th, td { text-align: left; vertical-align: top; padding: 3px 12px; border-top: 1px solid var(--line); overflow-wrap: anywhere }
th { font-weight: 400; color: var(--dim); width: 260px }
.text { padding: 10px 12px; border-top: 1px solid var(--line) }
footer { padding-top: 24px; padding-bottom: 32px; font-size: 13px }
`
