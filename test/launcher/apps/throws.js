console.error('about to fail')
throw new TypeError('no database')
