export default defineEventHandler((event) => sendRedirect(event, '/hello'))
