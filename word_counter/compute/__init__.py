"""Running user code: map, combine, reduce, merge. It knows neither Redis nor worker processes."""
