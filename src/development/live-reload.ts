/** Where a page hears of new code: the development server answers here itself, whatever the application has there. */
export const CHANGES_PATH = '/@tsgi/changes'

/** Name of the query parameter: which generation of the code the page is of. */
export const SINCE = 'since'

/**
 * What makes a page load itself anew when there is newer code. A page that answers a form is not sent again by itself: that might
 * order twice.
 */
export function reloadScript(generation: number, repeatable: boolean): string {
  const then = repeatable ? 'location.reload()' : "document.querySelector('.changed').hidden=false"
  return `new EventSource('${CHANGES_PATH}?${SINCE}=${generation}').onmessage=function(){this.close();${then}}`
}
