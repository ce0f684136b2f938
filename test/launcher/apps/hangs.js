console.log('this takes for ever')
await new Promise(() => setInterval(() => {}, 1000))
