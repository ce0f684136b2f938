const app = require('./app.js')

app.listen(Number(process.env.PORT ?? 3000))
